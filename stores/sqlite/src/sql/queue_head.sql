-- The queue in its order.
SELECT id, spider, units, priority, front, position FROM jobs INDEXED BY queue
WHERE project = :project AND state = 0
ORDER BY priority DESC, front DESC, position LIMIT :limit
