//! A runner that is killed.

use std::fs;

use spiderq_proto::v1::{GetJobRequest, JobState};
use spiderq_tests::{StoreKind, eventually};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_runner_takes_its_job_and_the_jobs_children_with_it() {
    let world = World::start(StoreKind::Sqlite).await;
    let fields = [("url", world.site.url.as_str()), ("helper", "1"), ("deaf", "1")];
    let job = world.schedule("endless", &fields).await;
    let mut runner = world.runner(&[]);
    let pids = world.pids(&job).await;
    assert_eq!(pids.len(), 2);
    let work = fs::read_link(format!("/proc/{}/cwd", pids[0])).unwrap();
    runner.kill();
    world.dead(&pids).await;
    let folder = work.parent().unwrap();
    eventually("its folder is still there", async || (!folder.exists()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_job_of_a_killed_runner_is_run_once_by_another() {
    for kind in StoreKind::ALL {
        let world = World::start(kind).await;
        let job = world.schedule("endless", &[("url", &world.site.url)]).await;
        let mut first = world.runner(&["--lease", "6", "--code-version", "old"]);
        let pids = world.pids(&job).await;
        let before = world.lines(&job, "items.1.jl");
        assert_eq!(world.metadata(&job).await["version"], "old");
        let others = [0, 1].map(|_| world.runner(&["--lease", "6", "--code-version", "new"]));
        first.kill();
        world.dead(&pids).await;

        let again = async || world.lines(&job, "items.2.jl").into_iter().next();
        let item = eventually("it is not run again", again).await;
        assert_ne!(item["pids"], before[0]["pids"]);
        assert_eq!(item["page"], before[0]["page"], "from its start");
        world.stop(&job).await;
        let ended = async || {
            let metadata = world.metadata(&job).await;
            (metadata["state"] == "finished").then_some(metadata)
        };
        let metadata = eventually("it does not end", ended).await;
        assert_eq!(metadata["close_reason"], "cancelled");
        assert_eq!(metadata["version"], "new", "as the runner says that ran it");
        let log = world.file(&job, "log.2.jl");
        assert_eq!(metadata["log_path"], log.to_str().unwrap());
        let get = GetJobRequest { key: job.clone() };
        let found = world.stack.grpc().jobs().get_job(get).await.unwrap();
        let found = found.into_inner().job.unwrap();
        assert_eq!((found.attempt, found.state()), (2, JobState::Finished));
        // Nobody ran it a third time.
        assert!(!world.file(&job, "items.3.jl").exists());
        let mut starts = 0;
        for runner in others {
            runner.signal();
            let printed = runner.join();
            starts += printed.matches(&format!("started job=\"{job}\"")).count();
        }
        assert_eq!(starts, 1);
    }
}
