-- What indexes hold.
UPDATE jobs SET
    state = ?2, position = ?3, front = ?4, priority = ?5, units = ?6, tags = ?7,
    unique_key = ?8, due = ?9
WHERE id = ?1
