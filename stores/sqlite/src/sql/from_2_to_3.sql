-- Queues by what a claim asks for, jobs that go to the front, limits of spiders, what is
-- due, events, and how much is done.
ALTER TABLE spiders ADD COLUMN max_running INTEGER;

ALTER TABLE jobs ADD COLUMN front INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN stop_by INTEGER;
ALTER TABLE jobs ADD COLUMN due INTEGER;
UPDATE jobs SET due = lease_expires WHERE state = 1;
DROP INDEX queue;
DROP INDEX queue_by_spider;
CREATE INDEX queue ON jobs (project, priority DESC, front DESC, position, spider, units, state)
WHERE state = 0;
CREATE INDEX queue_by_spider ON jobs (
    project, spider, units, priority DESC, front DESC, position, state
) WHERE state = 0;
CREATE INDEX queue_by_tags ON jobs (
    project, spider, units, tags, priority DESC, front DESC, position, state
) WHERE state = 0;
CREATE INDEX running ON jobs (project, spider, units, state) WHERE state = 1;
CREATE INDEX jobs_by_due ON jobs (due, project, spider, job) WHERE due IS NOT NULL;

-- The object's text is braces, commas and colons besides names as JSON strings and values.
ALTER TABLE jobs ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET bytes = length(CAST(metadata AS BLOB)) - 2 - (
    SELECT count(*) + max(count(*) - 1, 0) + coalesce(
        sum(length(CAST(json_quote(key) AS BLOB)) - length(CAST(key AS BLOB))), 0
    )
    FROM json_each(metadata)
) WHERE state >= 2 AND json_valid(metadata);
ALTER TABLE projects ADD COLUMN finished_jobs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN finished_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN deleted_jobs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN deleted_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE projects SET
    (finished_jobs, finished_bytes) = (
        SELECT count(*), coalesce(sum(bytes), 0) FROM jobs
        WHERE jobs.project = projects.project AND state = 2
    ),
    (deleted_jobs, deleted_bytes) = (
        SELECT count(*), coalesce(sum(bytes), 0) FROM jobs
        WHERE jobs.project = projects.project AND state = 3
    );

DROP VIEW job_rows;
CREATE VIEW job_rows AS
SELECT
    jobs.id, jobs.project, jobs.spider, jobs.job, spiders.name,
    state, position, priority, units, attempt, updated, lease_expires, fence, unique_key,
    pending_position, pending_by, running_position, running_by,
    finished_position, finished_by, deleted_position, deleted_by,
    items, pages, logs, errors, tags, metadata, front, stop_by, due, bytes
FROM jobs JOIN spiders ON spiders.project = jobs.project AND spiders.spider = jobs.spider;

CREATE TABLE logs (
    project INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    kept INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
    project INTEGER NOT NULL,
    number INTEGER NOT NULL,
    spider INTEGER NOT NULL,
    job INTEGER NOT NULL,
    state INTEGER NOT NULL,
    previous INTEGER,
    stop INTEGER NOT NULL,
    PRIMARY KEY (project, number)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 3;
