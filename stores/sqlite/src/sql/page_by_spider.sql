SELECT position, id FROM jobs INDEXED BY jobs_by_spider
WHERE project = ?1 AND spider = ?6 AND state = ?2 AND position >= ?3 AND position < ?4
ORDER BY position DESC LIMIT ?5
