SELECT project, spider, job FROM jobs INDEXED BY jobs_by_due
WHERE due <= ?1 ORDER BY due LIMIT ?2
