INSERT INTO events (project, number, spider, job, state, previous, stop, stamp)
VALUES (:project, :number, :spider, :job, :state, :previous, :stop, :stamp)
