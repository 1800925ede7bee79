SELECT position, id FROM job_tags
WHERE project = ?1 AND tag = ?6 AND state = ?2 AND position >= ?3 AND position < ?4
ORDER BY position DESC LIMIT ?5
