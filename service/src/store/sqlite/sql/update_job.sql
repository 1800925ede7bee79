-- What no index holds: a heartbeat or a metadata write touches just this.
UPDATE jobs SET
    units = ?2, attempt = ?3, updated = ?4, lease_expires = ?5, fence = ?6,
    pending_position = ?7, pending_by = ?8, running_position = ?9, running_by = ?10,
    finished_position = ?11, finished_by = ?12, deleted_position = ?13, deleted_by = ?14,
    items = ?15, pages = ?16, logs = ?17, errors = ?18, tags = ?19, metadata = ?20
WHERE id = ?1
