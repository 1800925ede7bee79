-- ?5: JSON array of the numbers of spiders.
SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_spider
WHERE project = ?1 AND spider IN (SELECT value FROM json_each(?5))
AND state = ?2 AND position >= ?3 AND position < ?4
