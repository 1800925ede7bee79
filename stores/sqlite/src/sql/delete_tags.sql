-- :tags: JSON array.
DELETE FROM job_tags
WHERE project = :project AND tag IN (SELECT value FROM json_each(:tags))
AND state = :state AND position = :position
