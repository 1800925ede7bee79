-- :spiders: JSON array of the numbers of spiders.
SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_spider
WHERE project = :project AND spider IN (SELECT value FROM json_each(:spiders))
AND state = :state AND position >= :from AND position < :until
