SELECT position, id FROM job_tags
WHERE project = :project AND tag = :key AND state = :state AND position >= :from AND position < :until
ORDER BY position DESC LIMIT :limit
