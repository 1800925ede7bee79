//! Jobs that are stopped: by somebody, by a limit, by the end of the runner.

use spiderq_tests::{StoreKind, eventually};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spider_that_is_stopped_in_the_middle_is_cancelled() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("endless", &[("url", &world.site.url)]).await;
    // No heartbeat comes in time to tell of the stop: an event does.
    let mut runner = world.runner(&["--lease", "3600"]);
    world.site.asked_for("/endless/3").await;
    world.stop(&job).await;
    runner.wait_for_end(&job);
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "cancelled");
    assert_eq!(metadata["cancelled_by"], "testuser");
    assert_eq!(metadata["completed_by"], "jobrunner");
    // It ended in order: Scrapy's own statistics are there.
    let stats = &metadata["scrapystats"];
    assert_eq!(stats["finish_reason"], "shutdown");
    let row = world.row(&job).await;
    assert_eq!(row["items_scraped"], stats["item_scraped_count"]);
    assert!(row["items_scraped"].as_u64().unwrap() >= 2, "{row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spider_that_ignores_the_stop_is_killed() {
    let world = World::start(StoreKind::Sqlite).await;
    let fields = [("url", world.site.url.as_str()), ("deaf", "1")];
    let job = world.schedule("endless", &fields).await;
    let mut runner = world.runner(&["--lease", "15", "--cancel-grace", "1"]);
    world.site.asked_for("/endless/3").await;
    // Counters are visible while it runs.
    let counted = async || {
        let row = world.row(&job).await;
        assert_eq!(row["state"], "running");
        (row["items_scraped"].as_u64() > Some(0)).then_some(())
    };
    eventually("no items are counted", counted).await;
    world.stop(&job).await;
    runner.wait_for_end(&job);
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "cancel_timeout");
    // Counted by the runner: the spider was killed.
    let items = world.lines(&job, "items.1.jl").len();
    assert!(items >= 2, "{items}");
    assert_eq!(world.row(&job).await["items_scraped"], items);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_the_server_has_ended_is_killed_and_writes_no_more() {
    let world = World::start(StoreKind::Sqlite).await;
    let settings = world.stack.http();
    let answer = settings.post("/projects/1/settings", r#"{"cancel_timeout": 1}"#);
    answer.await.ok();
    let fields = [("url", world.site.url.as_str()), ("deaf", "1")];
    let job = world.schedule("endless", &fields).await;
    let mut runner = world.runner(&["--lease", "3600"]);
    world.site.asked_for("/endless/3").await;
    let pids = world.pids(&job).await;
    world.stop(&job).await;
    runner.wait_for("lease lost; process killed");
    world.dead(&pids).await;
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "cancel_timeout");
    assert_eq!(metadata["state"], "finished");
    assert_ne!(metadata["completed_by"], "jobrunner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_runs_too_long_is_stopped() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("anything", &[]).await;
    let flags = ["--once", "--runtime-limit", "3", "--command"];
    world.runner_of(&[flags.as_slice(), &["sh -c 'exec yes'"]].concat()).join();
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "cancelled (runtime limit)");
    assert!(world.row(&job).await["logs"].as_u64().unwrap() > 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_without_progress_is_stopped() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("anything", &[]).await;
    let flags = ["--once", "--stall-limit", "1", "--command", "tail -f /dev/null"];
    world.runner_of(&flags).join();
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "cancelled (stalled)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hangup_ends_neither_the_runner_nor_its_job() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("endless", &[("url", &world.site.url)]).await;
    let mut runner = world.runner(&[]);
    world.site.asked_for("/endless/1").await;
    runner.hang_up();
    runner.wait_for("SIGHUP does not end a runner");
    world.stop(&job).await;
    runner.wait_for_end(&job);
    assert_eq!(world.metadata(&job).await["close_reason"], "cancelled");
    runner.signal();
    runner.join();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_first_signal_waits_for_jobs_and_a_second_stops_them() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("endless", &[("url", &world.site.url)]).await;
    let mut runner = world.runner(&["--units", "2"]);
    world.site.asked_for("/endless/1").await;
    runner.signal();
    runner.wait_for("taking no more jobs");
    let late = world.schedule("books", &[("url", &world.site.url)]).await;
    let asked = world.site.asked().len();
    world.site.asked_for(&format!("/endless/{}", asked + 3)).await;
    runner.signal();
    runner.join();
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "shutdown");
    assert_eq!(metadata["scrapystats"]["finish_reason"], "shutdown");
    assert_eq!(world.metadata(&late).await["state"], "pending");
}
