SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_state
WHERE project = ?1 AND state = ?2 AND position >= ?3 AND position < ?4
