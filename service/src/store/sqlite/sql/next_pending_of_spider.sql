SELECT id, priority, position FROM jobs INDEXED BY queue_by_spider
WHERE project = ?1 AND spider = ?2 AND state = 0
ORDER BY priority DESC, position LIMIT 1
