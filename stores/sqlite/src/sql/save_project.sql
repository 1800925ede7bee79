INSERT OR REPLACE INTO projects (
    project, last_position, last_spider, finished_jobs, finished_bytes, deleted_jobs, deleted_bytes
) VALUES (
    :project, :last_position, :last_spider, :finished_jobs, :finished_bytes, :deleted_jobs,
    :deleted_bytes
)
