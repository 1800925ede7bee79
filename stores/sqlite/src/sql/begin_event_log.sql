INSERT OR IGNORE INTO events (project, number, spider, job, state, previous, stop, stamp)
SELECT project, last, 0, 0, 0, NULL, 0, stamp FROM event_logs WHERE project = ?1
