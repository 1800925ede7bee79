//! What becomes of running jobs when a runner is asked to end: `--drain` and `--on-drain`.

use serde_json::Value;
use spiderq_tests::StoreKind;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_goes_back_to_the_queue_and_runs_next_elsewhere() {
    for kind in StoreKind::ALL {
        let world = World::start(kind).await;
        let fields = [("url", world.site.url.as_str()), ("n", "1")];
        let job = world.schedule("endless", &fields).await;
        let first = world.runner(&["--units", "1", "--on-drain", "requeue", "--lease", "3600"]);
        world.site.asked_for("/endless/3").await;
        let waiting = world.schedule("endless", &[("url", &world.site.url)]).await;
        let pids = world.pids(&job).await;
        first.signal();
        let printed = first.join();
        let told = format!("given back to the queue job=\"{job}\" spider=\"endless\"");
        assert!(printed.contains(&told), "{printed}");
        world.dead(&pids).await;
        let metadata = world.metadata(&job).await;
        assert_eq!(metadata["state"], "pending");
        for name in ["close_reason", "scrapystats", "running_time", "started_by"] {
            assert!(metadata.get(name).is_none(), "{name}: {metadata}");
        }
        // Before the other one.
        let mut second = world.runner(&["--units", "1"]);
        second.wait_for(&format!("started job=\"{job}\""));
        assert_eq!(world.metadata(&waiting).await["state"], "pending");
        world.stop(&job).await;
        second.wait_for_end(&job);
        assert_eq!(world.metadata(&job).await["close_reason"], "cancelled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_is_done_before_the_drain_is_over_finishes() {
    let world = World::start(StoreKind::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let job = world.schedule("any", &[]).await;
    let large = world.schedule("large", &[("units", "2")]).await;
    let command = format!("cat {}", pipe.display());
    let flags = ["--units", "2", "--on-drain", "requeue", "--drain", "3600"];
    let mut runner = world.runner_of(&[flags.as_slice(), &["--command", &command]].concat());
    runner.wait_for(&format!("started job=\"{job}\""));
    runner.signal();
    // It has been taken, and waits for its units in vain.
    let back = async || (world.metadata(&large).await["state"] == "pending").then_some(());
    spiderq_tests::eventually("a job that has not begun is kept", back).await;
    std::fs::write(&pipe, "done").unwrap();
    runner.join();
    assert_eq!(world.metadata(&job).await["close_reason"], "finished");
    assert_eq!(world.metadata(&large).await["state"], "pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_that_outlast_the_drain_are_stopped() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("endless", &[("url", &world.site.url)]).await;
    let mut runner = world.runner(&["--drain", "1"]);
    world.site.asked_for("/endless/2").await;
    runner.signal();
    runner.wait_for("taking no more jobs");
    runner.join();
    assert_eq!(world.metadata(&job).await["close_reason"], "shutdown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_somebody_stops_is_not_given_back() {
    let world = World::start(StoreKind::Sqlite).await;
    let fields = [("url", world.site.url.as_str()), ("deaf", "1")];
    let job = world.schedule("endless", &fields).await;
    // Heartbeats are rare: the runner learns of the stop too late.
    let flags = ["--on-drain", "requeue", "--lease", "3600", "--cancel-grace", "3"];
    let mut runner = world.runner(&flags);
    world.site.asked_for("/endless/3").await;
    runner.signal();
    runner.wait_for("stopping running jobs");
    world.stop(&job).await;
    runner.join();
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["state"], "finished");
    assert_eq!(metadata["close_reason"], Value::from("cancelled"));
}
