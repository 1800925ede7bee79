SELECT project, spider, job FROM jobs INDEXED BY jobs_by_due
WHERE due <= :now ORDER BY due LIMIT :limit
