INSERT INTO jobs (
    project, spider, job, state, position, priority, units, attempt, updated,
    lease_expires, fence, unique_key,
    pending_time, pending_by, running_time, running_by,
    finished_time, finished_by, deleted_time, deleted_by,
    items, pages, logs, errors, tags, metadata
) VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
    ?20, ?21, ?22, ?23, ?24, ?25, ?26
)
