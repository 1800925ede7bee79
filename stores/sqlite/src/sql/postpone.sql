-- Not before it would be due by itself.
UPDATE jobs SET due = MAX(
    :until, MIN(COALESCE(lease_expires, stop_by), COALESCE(stop_by, lease_expires))
)
WHERE project = :project AND spider = :spider AND job = :job AND due IS NOT NULL
