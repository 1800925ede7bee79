-- What runs of a project: jobs and their units.
SELECT COUNT(*), COALESCE(SUM(units), 0) FROM jobs INDEXED BY running
WHERE project = ?1 AND state = 1
