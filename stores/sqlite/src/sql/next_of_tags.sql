-- The first in the queue of the part of spider ?2 with units ?3 and tags ?4, or of the next
-- part.
SELECT id, spider, units, priority, front, position, tags FROM jobs INDEXED BY queue_by_tags
WHERE project = ?1 AND state = 0 AND (spider, units, tags) >= (?2, ?3, ?4)
ORDER BY spider, units, tags, priority DESC, front DESC, position LIMIT 1
