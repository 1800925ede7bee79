SELECT position, id FROM jobs INDEXED BY jobs_by_spider
WHERE project = :project AND spider = :key AND state = :state AND position >= :from AND position < :until
ORDER BY position DESC LIMIT :limit
