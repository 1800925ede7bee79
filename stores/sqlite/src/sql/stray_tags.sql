-- Rows of tags that are not those of their jobs; `tags` that are no JSON are another finding.
SELECT listed.project, listed.tag, listed.state, listed.position, jobs.spider, jobs.job
FROM job_tags AS listed LEFT JOIN jobs ON jobs.id = listed.id AND jobs.project = listed.project
WHERE jobs.id IS NULL
OR (jobs.state, jobs.position, jobs.spider) <> (listed.state, listed.position, listed.spider)
OR (json_valid(jobs.tags)
    AND NOT EXISTS (SELECT 1 FROM json_each(jobs.tags) WHERE value = listed.tag))
