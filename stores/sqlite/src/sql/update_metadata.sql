UPDATE jobs SET
    stop_requested = :stop_requested, metadata_bytes = :metadata_bytes, metadata = :metadata,
    compressed = :compressed
WHERE id = :id
