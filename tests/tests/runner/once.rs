//! `--once`: a runner goes on while its own jobs run, since they may schedule others.

use spiderq_tests::StoreKind;

use crate::world::{World, run_script, script};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_may_wait_for_jobs_that_it_schedules() {
    let world = World::start(StoreKind::Sqlite).await;
    let call = format!("curl --silent --fail --user {}: {}", world.user, world.stack.url);
    let parent = world.schedule("parent", &[]).await;
    // Neither sleeps: the child is what the parent waits for.
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let text = format!(
        "if test $1 = parent; then mkfifo {pipe} && {call}/api/run.json -d project=1 -d spider=child > /dev/null \
         && read line < {pipe} && echo $line; else echo from the child > {pipe}; fi",
        pipe = pipe.display(),
    );
    let script = script(&text);
    let command = run_script(&script, "{spider}");
    world.runner_of(&["--once", "--units", "2", "--command", &command]).join();
    assert!(world.messages(&parent).contains(&"[stdout] from the child".to_owned()));
    for job in [parent.as_str(), "1/2/1"] {
        assert_eq!(world.metadata(job).await["close_reason"], "finished");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_runner_looks_again_after_its_last_job() {
    let world = World::start(StoreKind::Sqlite).await;
    let call = format!("curl --silent --fail --user {}: {}", world.user, world.stack.url);
    world.schedule("s1", &[]).await;
    let text = format!(
        "n=${{1#s}}; test $n = 4 || {call}/api/run.json -d project=1 -d spider=s$(($n + 1))"
    );
    let script = script(&text);
    let command = run_script(&script, "{spider}");
    for units in ["1", "3"] {
        world.runner_of(&["--once", "--units", units, "--command", &command]).join();
        for spider in 1..=4 {
            let key = format!("1/{spider}/{}", if units == "1" { 1 } else { 2 });
            assert_eq!(world.metadata(&key).await["close_reason"], "finished", "{key}");
        }
        world.schedule("s1", &[]).await;
    }
}
