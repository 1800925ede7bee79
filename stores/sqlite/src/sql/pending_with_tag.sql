-- :tags: JSON array of tags. A job with several of them comes several times, in no order.
SELECT jobs.id, jobs.spider, units, priority, front, jobs.position, tags
FROM job_tags CROSS JOIN jobs ON jobs.id = job_tags.id
WHERE job_tags.project = :project AND tag IN (SELECT value FROM json_each(:tags))
AND job_tags.state = 0 LIMIT :limit
