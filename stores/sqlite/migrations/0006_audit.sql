-- Acts that the audit keeps. Times never go down with the ids.
CREATE TABLE audit_events (
    id         INTEGER PRIMARY KEY,
    time       INTEGER NOT NULL,
    owner      TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    role       TEXT,
    peer       TEXT NOT NULL,
    call       TEXT NOT NULL,
    project    INTEGER,
    subject    TEXT NOT NULL,
    result     TEXT NOT NULL,
    count      INTEGER,
    request_id TEXT NOT NULL
) STRICT;
CREATE INDEX audit_events_by_time ON audit_events (time);
