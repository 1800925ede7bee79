UPDATE jobs SET
    stop_requested = :stop_requested, metadata_bytes = :metadata_bytes, metadata = :metadata
WHERE id = :id
