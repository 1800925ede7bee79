-- Tags of spiders, and settings of projects.
ALTER TABLE spiders ADD COLUMN default_tags TEXT NOT NULL DEFAULT '[]';
CREATE TABLE settings (
    project INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
