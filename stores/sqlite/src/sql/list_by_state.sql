SELECT position, id FROM jobs INDEXED BY jobs_by_state
WHERE project = :project AND state = :state AND position >= :from AND position < :until
ORDER BY position DESC LIMIT :limit
