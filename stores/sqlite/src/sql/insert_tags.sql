INSERT INTO job_tags (project, tag, state, position, spider, id)
SELECT :project, value, :state, :position, :spider, :id FROM json_each(:tags)
