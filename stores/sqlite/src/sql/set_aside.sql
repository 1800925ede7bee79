-- Made by a repair: jobs whose rows could not be read, each as the statement that puts it back.
CREATE TABLE IF NOT EXISTS set_aside (
    project INTEGER NOT NULL,
    spider INTEGER NOT NULL,
    job INTEGER NOT NULL,
    statement TEXT NOT NULL
) STRICT
