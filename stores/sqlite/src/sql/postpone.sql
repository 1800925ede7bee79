-- Not before it would be due by itself.
UPDATE jobs SET due = MAX(
    ?4, MIN(COALESCE(lease_expires, stop_by), COALESCE(stop_by, lease_expires))
)
WHERE project = ?1 AND spider = ?2 AND job = ?3 AND due IS NOT NULL
