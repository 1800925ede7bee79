-- The first in the queue of the part with this spider and units, or of the next part.
-- :without: JSON array of positions.
SELECT id, spider, units, priority, front, position FROM jobs INDEXED BY queue_by_spider
WHERE project = :project AND state = 0 AND (spider, units) >= (:spider, :units)
AND position NOT IN (SELECT value FROM json_each(:without))
ORDER BY spider, units, priority DESC, front DESC, position LIMIT 1
