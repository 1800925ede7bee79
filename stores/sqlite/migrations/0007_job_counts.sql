-- How many jobs are in a state: in all (`spider` 0, `tag` ''), of a spider (`tag` ''), or with a tag
-- (`spider` 0). Kept by every step that writes jobs; there is no row for 0.
CREATE TABLE job_counts (
    project INTEGER NOT NULL,
    spider INTEGER NOT NULL,
    tag TEXT NOT NULL,
    state INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (project, spider, tag, state)
) STRICT, WITHOUT ROWID;

INSERT INTO job_counts SELECT project, 0, '', state, COUNT(*) FROM jobs GROUP BY project, state;
INSERT INTO job_counts SELECT project, spider, '', state, COUNT(*) FROM jobs GROUP BY project, spider, state;
INSERT INTO job_counts SELECT project, 0, tag, state, COUNT(*) FROM job_tags GROUP BY project, tag, state;
