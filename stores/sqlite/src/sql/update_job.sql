-- What no index holds, and what is short: a heartbeat writes just this, and `due` beside it.
UPDATE jobs SET
    attempt = :attempt, updated = :updated, lease_expires = :lease_expires, stop_by = :stop_by,
    fence = :fence,
    pending_position = :pending_position, pending_by = :pending_by,
    running_position = :running_position, running_by = :running_by,
    finished_position = :finished_position, finished_by = :finished_by,
    deleted_position = :deleted_position, deleted_by = :deleted_by,
    items = :items, pages = :pages, logs = :logs, errors = :errors
WHERE id = :id
