SELECT spider, job FROM jobs INDEXED BY jobs_by_state
WHERE project = :project AND state = 0
ORDER BY position LIMIT :limit
