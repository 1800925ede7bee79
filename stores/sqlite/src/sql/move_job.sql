-- What indexes hold.
UPDATE jobs SET
    state = :state, position = :position, front = :front, priority = :priority, units = :units,
    tags = :tags, unique_key = :unique_key, due = :due
WHERE id = :id
