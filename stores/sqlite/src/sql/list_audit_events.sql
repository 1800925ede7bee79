SELECT * FROM audit_events
WHERE time >= :from AND time < :until AND (time, id) < (:before_time, :before_id)
ORDER BY time DESC, id DESC LIMIT :limit
