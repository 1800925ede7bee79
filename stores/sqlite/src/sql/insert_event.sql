INSERT INTO events (project, number, spider, job, state, previous, stop)
VALUES (:project, :number, :spider, :job, :state, :previous, :stop)
