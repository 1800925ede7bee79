SELECT spider, job FROM jobs INDEXED BY jobs_by_state
WHERE project = ?1 AND state = 0
ORDER BY position LIMIT ?2
