-- Runners, and how they are. Names of a list are one a line.
CREATE TABLE runners (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    version       TEXT NOT NULL,
    projects      TEXT NOT NULL,
    only_spiders  TEXT NOT NULL,
    has_tags      TEXT NOT NULL,
    lacks_tags    TEXT NOT NULL,
    units         INTEGER NOT NULL,
    -- NULL: it can't list them.
    spiders       TEXT,
    started       INTEGER NOT NULL,
    reported      INTEGER NOT NULL,
    state         TEXT NOT NULL,
    running_jobs  INTEGER NOT NULL,
    running_units INTEGER NOT NULL,
    free_disk     INTEGER
) STRICT;
