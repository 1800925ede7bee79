-- Version 3. Unsigned 64-bit numbers are kept as the signed ones of the same bits;
-- positions stay below 2^53 and compare as they are.

-- Of the finished and the deleted jobs: how many, and `jobs.bytes` in all.
CREATE TABLE projects (
    project INTEGER PRIMARY KEY,
    last_position INTEGER NOT NULL,
    last_spider INTEGER NOT NULL,
    finished_jobs INTEGER NOT NULL DEFAULT 0,
    finished_bytes INTEGER NOT NULL DEFAULT 0,
    deleted_jobs INTEGER NOT NULL DEFAULT 0,
    deleted_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Rows are never removed: numbers of spiders and jobs are given once. `default_tags`: JSON
-- array of the tags that jobs scheduled of the spider get. `max_running`: NULL for no limit.
CREATE TABLE spiders (
    project INTEGER NOT NULL,
    spider INTEGER NOT NULL,
    name TEXT NOT NULL,
    last_job INTEGER NOT NULL,
    default_tags TEXT NOT NULL DEFAULT '[]',
    max_running INTEGER,
    PRIMARY KEY (project, spider)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX spiders_by_name ON spiders (project, name);

-- `state` is State::index. `front`: 1 for a pending job that stands before those of its
-- priority. `due`: when a running job is next to be looked at, NULL for never and for all
-- others. `bytes`: of the names and values of the metadata of a job that is finished or
-- deleted; of others it may be out of date. `tags`: JSON array of strings. `metadata`: JSON object, each value byte for byte;
-- last, as long text is kept on pages of its own.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL,
    spider INTEGER NOT NULL,
    job INTEGER NOT NULL,
    state INTEGER NOT NULL,
    position INTEGER NOT NULL,
    front INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL,
    units INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    lease_expires INTEGER,
    stop_by INTEGER,
    due INTEGER,
    fence TEXT,
    unique_key TEXT,
    pending_position INTEGER,
    pending_by TEXT,
    running_position INTEGER,
    running_by TEXT,
    finished_position INTEGER,
    finished_by TEXT,
    deleted_position INTEGER,
    deleted_by TEXT,
    items INTEGER,
    pages INTEGER,
    logs INTEGER,
    errors INTEGER,
    bytes INTEGER NOT NULL DEFAULT 0,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_by_key ON jobs (project, spider, job);
CREATE INDEX jobs_by_state ON jobs (project, state, position);
CREATE INDEX jobs_by_spider ON jobs (project, spider, state, position);
-- The queue in its order, and each part of it that a claim may ask for. `state` is there so
-- that a look needs no row.
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
CREATE UNIQUE INDEX jobs_by_unique ON jobs (project, unique_key) WHERE unique_key IS NOT NULL;

-- One row per tag of a job; moves with its state.
CREATE TABLE job_tags (
    project INTEGER NOT NULL,
    tag TEXT NOT NULL,
    state INTEGER NOT NULL,
    position INTEGER NOT NULL,
    spider INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (project, tag, state, position)
) STRICT, WITHOUT ROWID;

CREATE VIEW job_rows AS
SELECT
    jobs.id, jobs.project, jobs.spider, jobs.job, spiders.name,
    state, position, priority, units, attempt, updated, lease_expires, fence, unique_key,
    pending_position, pending_by, running_position, running_by,
    finished_position, finished_by, deleted_position, deleted_by,
    items, pages, logs, errors, tags, metadata, front, stop_by, due, bytes
FROM jobs JOIN spiders ON spiders.project = jobs.project AND spiders.spider = jobs.spider;

CREATE TABLE settings (
    project INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- Projects whose events were ever asked for. `last`: number of the last one; it counts on
-- when `kept` is 0 and none is kept.
CREATE TABLE logs (
    project INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    kept INTEGER NOT NULL
) STRICT;

-- `previous` is NULL for a new job. `stop`: 1 for a request to stop.
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

CREATE TABLE requests (
    project INTEGER NOT NULL,
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    reply TEXT NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_end ON requests (expires);

-- `projects`: JSON array of numbers; NULL: everywhere.
CREATE TABLE api_keys (
    digest TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    projects TEXT,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE config (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 3;
