-- What no index holds: a metadata write touches just this, and a heartbeat `due` beside it.
UPDATE jobs SET
    attempt = ?2, updated = ?3, lease_expires = ?4, stop_by = ?5, fence = ?6,
    pending_position = ?7, pending_by = ?8, running_position = ?9, running_by = ?10,
    finished_position = ?11, finished_by = ?12, deleted_position = ?13, deleted_by = ?14,
    items = ?15, pages = ?16, logs = ?17, errors = ?18, metadata = ?19, bytes = ?20
WHERE id = ?1
