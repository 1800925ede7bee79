-- What a program of version 1 or 2 leaves of project 7: two pending jobs, one that runs with
-- a lease until 500, and one that has finished. Positions are times 2048.
INSERT INTO jobs (
    project, spider, job, state, position, priority, units, attempt, updated, lease_expires,
    fence, unique_key, pending_position, pending_by, running_position, running_by, tags, metadata
) VALUES
    (7, 1, 1, 0, 204800, 2, 1, 0, 100, NULL, NULL, '0123456789abcdef0123456789abcdef',
     204800, 'ann', NULL, NULL, '["x"]', '{"version":"1.0","long":1566311822568.0}'),
    (7, 1, 2, 0, 206848, 3, 1, 0, 101, NULL, NULL, NULL,
     206848, 'ann', NULL, NULL, '[]', '{}'),
    (7, 1, 3, 1, 210944, 2, 1, 1, 103, 500, '0123456789abcdef0123456789abcdef', NULL,
     208896, 'ann', 210944, 'bob', '[]', '{}'),
    (7, 1, 4, 2, 212992, 2, 1, 0, 104, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, '[]', '{}');
UPDATE jobs SET finished_position = position, finished_by = 'ann' WHERE state = 2;
INSERT INTO job_tags VALUES (7, 'x', 0, 204800, 1, 1);
INSERT INTO spiders (project, spider, name, last_job) VALUES (7, 1, 's', 4);
INSERT INTO projects VALUES (7, 212992, 1);
