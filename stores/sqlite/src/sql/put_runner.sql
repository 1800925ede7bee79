INSERT OR REPLACE INTO runners
    (id, name, version, projects, only_spiders, has_tags, lacks_tags, units, spiders, started,
     reported, state, running_jobs, running_units, free_disk)
VALUES (:id, :name, :version, :projects, :only_spiders, :has_tags, :lacks_tags, :units, :spiders, :started,
        :reported, :state, :running_jobs, :running_units, :free_disk)
