-- ?5: JSON array of the tags that a job must lack; ?6: of the numbers of spiders.
SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_spider
WHERE project = ?1 AND spider IN (SELECT value FROM json_each(?6))
AND state = ?2 AND position >= ?3 AND position < ?4
AND (?5 = '[]' OR NOT EXISTS (
    SELECT 1 FROM job_tags
    WHERE job_tags.project = ?1 AND tag IN (SELECT value FROM json_each(?5))
    AND job_tags.state = ?2 AND job_tags.position = jobs.position
))
