-- Unsigned 64-bit numbers are kept as the signed ones of the same bits; positions stay below
-- 2^53 and compare as they are.

-- `finished_…` and `deleted_…`: how many jobs are in that state, and their `metadata_bytes` in
-- all, so that retention need not count.
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

-- `state`: 0 pending, 1 running, 2 finished, 3 deleted. `front`: 1 for a pending job that goes
-- before the others of its priority. `due`: when a running job is next to be looked at, in ms;
-- NULL for never and for all others. `tags`: JSON array of strings. `stop_requested` and
-- `metadata_bytes` repeat what the metadata says, so that a heartbeat need not read it.
-- `metadata`: JSON object, each value byte for byte. It stands last, because SQLite keeps the end
-- of a long row on pages of its own, which are read only for the columns on them.
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
    tags TEXT NOT NULL,
    stop_requested INTEGER NOT NULL DEFAULT 0,
    metadata_bytes INTEGER NOT NULL DEFAULT 0,
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
SELECT jobs.*, spiders.name AS spider_name
FROM jobs JOIN spiders ON spiders.project = jobs.project AND spiders.spider = jobs.spider;

CREATE TABLE settings (
    project INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- Projects whose events were ever asked for. `last`: number of the last event. It counts on while
-- `kept` is 0 and no event is kept, so that a reader sees that it has missed some.
CREATE TABLE event_logs (
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

-- The answers to requests that had a request id; `id` and `fingerprint` are digests. `expires`: ms.
CREATE TABLE request_ids (
    project INTEGER NOT NULL,
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    reply TEXT NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_ids_by_end ON request_ids (expires);

-- `digest`: keyed hash of the API key, whose text is kept nowhere. `projects`: JSON array of
-- numbers; NULL for all. `created`: ms.
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
