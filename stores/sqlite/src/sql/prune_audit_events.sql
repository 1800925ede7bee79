-- The first event that is young enough, and the first of the latest :most; what is before either goes.
DELETE FROM audit_events WHERE id IN (
    SELECT id FROM audit_events
    WHERE id < max(
        coalesce(
            (SELECT id FROM audit_events WHERE time >= :from ORDER BY time, id LIMIT 1),
            (SELECT max(id) + 1 FROM audit_events), 0),
        coalesce((SELECT max(id) FROM audit_events) - :most + 1, 0))
    ORDER BY id LIMIT :limit)
