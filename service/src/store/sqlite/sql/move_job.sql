-- What indexes hold.
UPDATE jobs SET state = ?2, position = ?3, priority = ?4, unique_key = ?5 WHERE id = ?1
