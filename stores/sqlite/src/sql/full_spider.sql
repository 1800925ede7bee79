-- Whether a spider runs as many jobs as it may.
SELECT max_running <= (
    SELECT COUNT(*) FROM jobs INDEXED BY running
    WHERE jobs.project = ?1 AND jobs.spider = ?2 AND state = 1
) FROM spiders
WHERE project = ?1 AND spider = ?2 AND max_running IS NOT NULL
