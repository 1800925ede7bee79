-- The first in the queue of the part with this spider, units and tags, or of the next part.
-- :without: JSON array of positions.
SELECT id, spider, units, priority, front, position, tags FROM jobs INDEXED BY queue_by_tags
WHERE project = :project AND state = 0 AND (spider, units, tags) >= (:spider, :units, :tags)
AND position NOT IN (SELECT value FROM json_each(:without))
ORDER BY spider, units, tags, priority DESC, front DESC, position LIMIT 1
