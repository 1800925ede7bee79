INSERT INTO job_counts (project, spider, tag, state, jobs) VALUES (:project, :spider, :tag, :state, :by)
ON CONFLICT DO UPDATE SET jobs = jobs + :by
RETURNING jobs
