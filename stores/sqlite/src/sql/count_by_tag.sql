-- ?5: JSON array of the numbers of spiders, NULL for all; ?6: of the tags of which a job
-- must have one; ?7: of those that it must lack.
SELECT COUNT(DISTINCT position) FROM job_tags AS had
WHERE project = ?1 AND tag IN (SELECT value FROM json_each(?6))
AND state = ?2 AND position >= ?3 AND position < ?4
AND (?5 IS NULL OR spider IN (SELECT value FROM json_each(?5)))
AND (?7 = '[]' OR NOT EXISTS (
    SELECT 1 FROM job_tags AS lacked
    WHERE lacked.project = ?1 AND lacked.tag IN (SELECT value FROM json_each(?7))
    AND lacked.state = ?2 AND lacked.position = had.position
))
