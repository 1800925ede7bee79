-- The first in the queue of the part of spider ?2 with units ?3, or of the next part.
SELECT id, spider, units, priority, front, position FROM jobs INDEXED BY queue_by_spider
WHERE project = ?1 AND state = 0 AND (spider, units) >= (?2, ?3)
ORDER BY spider, units, priority DESC, front DESC, position LIMIT 1
