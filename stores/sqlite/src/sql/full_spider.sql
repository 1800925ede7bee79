-- Whether a spider runs as many jobs as it may.
SELECT max_running <= (
    SELECT COUNT(*) FROM jobs INDEXED BY running
    WHERE jobs.project = :project AND jobs.spider = :spider AND state = 1
) FROM spiders
WHERE project = :project AND spider = :spider AND max_running IS NOT NULL
