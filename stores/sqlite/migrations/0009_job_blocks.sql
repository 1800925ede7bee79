-- Jobs of a state in the order of their positions, in blocks of a few thousand: a block has the
-- `jobs` from `first` up to the `first` of the next. So a list finds its n-th job by the sizes of
-- blocks. Kept by every step that writes jobs; there is no row for 0.
--
-- From this version on `metadata` may have fields beside `compressed`: those that lists show.
CREATE TABLE job_blocks (
    project INTEGER NOT NULL,
    state INTEGER NOT NULL,
    first INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (project, state, first)
) STRICT, WITHOUT ROWID;

INSERT INTO job_blocks
SELECT project, state, MIN(position), COUNT(*) FROM (
    SELECT project, state, position,
        (ROW_NUMBER() OVER (PARTITION BY project, state ORDER BY position) - 1) / 4096 AS block
    FROM jobs
) GROUP BY project, state, block;
