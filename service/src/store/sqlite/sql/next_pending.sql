SELECT id, priority, position FROM jobs INDEXED BY queue
WHERE project = ?1 AND state = 0
ORDER BY priority DESC, position LIMIT 1
