-- JSON arrays. :spiders: numbers of spiders, NULL for all; :has: tags of which a job must have
-- one; :lacks: those of which it must have none.
SELECT COUNT(DISTINCT position) FROM job_tags AS had
WHERE project = :project AND tag IN (SELECT value FROM json_each(:has))
AND state = :state AND position >= :from AND position < :until
AND (:spiders IS NULL OR spider IN (SELECT value FROM json_each(:spiders)))
AND (:lacks = '[]' OR NOT EXISTS (
    SELECT 1 FROM job_tags AS lacked
    WHERE lacked.project = :project AND lacked.tag IN (SELECT value FROM json_each(:lacks))
    AND lacked.state = :state AND lacked.position = had.position
))
