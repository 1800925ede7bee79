//! A runner that dies without a word.

use std::{fs, path::Path};

use spiderq_tests::{StoreKind, eventually};

use crate::world::World;

/// Whether a process is no more, or no more than a name that waits for its parent.
fn is_dead(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| {
        stat.rsplit(") ").next().unwrap().starts_with('Z')
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_the_runner_die_its_job_and_the_jobs_children() {
    let world = World::start(StoreKind::Sqlite).await;
    let fields = [
        ("url", world.site.url.as_str()),
        ("helper", "1"),
        ("deaf", "1"),
    ];
    let job = world.schedule("endless", &fields).await;
    let mut runner = world.runner(&[]);
    let item = eventually("no item", async || {
        world.lines(&job, "items.1.jl").into_iter().next()
    });
    let pids = item.await["pids"].clone();
    let pids: Vec<u64> = serde_json::from_value(pids).unwrap();
    assert_eq!(pids.len(), 2);
    assert!(!pids.iter().any(|pid| is_dead(*pid)));
    let work = fs::read_link(format!("/proc/{}/cwd", pids[0])).unwrap();
    runner.kill();
    eventually("the job lives on", async || {
        pids.iter().all(|pid| is_dead(*pid)).then_some(())
    })
    .await;
    eventually("its folder is still there", async || {
        let folder: &Path = work.parent().unwrap();
        (!folder.exists()).then_some(())
    })
    .await;
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["state"], "running");
    assert_eq!(metadata["started_by"], "jobrunner");
}
