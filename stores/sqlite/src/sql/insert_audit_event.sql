INSERT INTO audit_events
    (time, owner, key_id, role, peer, call, project, subject, result, count, request_id)
VALUES (max(:time, coalesce((SELECT time FROM audit_events ORDER BY id DESC LIMIT 1), 0)),
    :owner, :key_id, :role, :peer, :call, :project, :subject, :result, :count, :request_id)
