UPDATE runners
SET reported = :reported, state = :state, running_jobs = :running_jobs,
    running_units = :running_units, free_disk = :free_disk
WHERE id = :id
