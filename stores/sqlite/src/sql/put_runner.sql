-- Its status follows in the same step.
INSERT OR REPLACE INTO runners
    (id, owner, name, version, projects, only_spiders, has_tags, lacks_tags, units, spiders,
     started, reported, state, running_jobs, running_units)
VALUES (:id, :owner, :name, :version, :projects, :only_spiders, :has_tags, :lacks_tags, :units,
        :spiders, :started, 0, '', 0, 0)
