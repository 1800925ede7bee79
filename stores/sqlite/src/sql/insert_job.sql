INSERT INTO jobs (
    project, spider, job, state, position, priority, units, attempt, updated,
    lease_expires, fence, unique_key,
    pending_position, pending_by, running_position, running_by,
    finished_position, finished_by, deleted_position, deleted_by,
    items, pages, logs, errors, tags, metadata, front, stop_by, due, bytes
) VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
    ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30
)
