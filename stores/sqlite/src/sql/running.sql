-- What runs of a project.
SELECT COUNT(*) AS jobs, COALESCE(SUM(units), 0) AS units FROM jobs INDEXED BY running
WHERE project = ?1 AND state = 1
