//! Processes that a job starts and that leave its process group.

use spiderq_tests::{StoreKind, python};

use crate::world::{World, run_script, script};

/// Starts a daemon: an orphan in a session of its own.
const DAEMON: &str = r#"
    (setsid tail -f /dev/null >/dev/null 2>&1 & echo "ITM {\"pids\": [$!]}" > "$SHUB_FIFO_PATH")
    exec tail -f /dev/null
"#;

/// Leaves orphans that end at once, and waits until their new parent, which is its own, has none
/// that it must still reap.
const ORPHANS: &str = r#"
import os, pathlib

for _ in range(3):
    end, held = os.pipe()
    if os.fork() == 0:
        os.fork()
        os._exit(0)
    os.wait()
    os.close(held)
    os.read(end, 1)

def parent_of_zombie(process):
    try:
        state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return 0
    return int(parent) if state == "Z" else 0

while os.getppid() in map(parent_of_zombie, pathlib.Path("/proc").glob("[0-9]*")):
    pass
print("reaped")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_ends_with_its_job() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let script = script(DAEMON);
    let mut runner = world.runner_of(&["--command", &run_script(&script, "")]);
    let pids = world.pids(&job).await;
    world.stop(&job).await;
    runner.wait_for_end(&job);
    world.dead(&pids).await;
    assert_eq!(world.metadata(&job).await["close_reason"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_ends_with_a_runner_that_is_killed() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let script = script(DAEMON);
    let mut runner = world.runner_of(&["--command", &run_script(&script, "")]);
    let pids = world.pids(&job).await;
    runner.kill();
    world.dead(&pids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orphans_are_reaped_while_the_job_runs() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let script = script(ORPHANS);
    let command = format!("{} {}", python().display(), script.path().display());
    world.runner_of(&["--once", "--command", &command]).join();
    assert_eq!(world.messages(&job), ["[stdout] reaped"]);
    assert_eq!(world.metadata(&job).await["close_reason"], "finished");
}
