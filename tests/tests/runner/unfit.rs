//! Jobs that are too much, and runners that can't do their work.

use std::fs;

use serde_json::json;
use spiderq_tests::{Stack, StoreKind, eventually, run};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_no_system_can_start_has_failed_and_the_next_one_runs() {
    let world = World::start(StoreKind::Sqlite).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, json!({"LONG": "x".repeat(200_000)}).to_string()).unwrap();
    let form = [
        "project=1".to_owned(),
        "spider=long".to_owned(),
        format!("environment@{}", file.path().display()),
    ];
    let long = world.curl("/api/run.json", &form).await["jobid"].clone();
    let next = world.schedule("next", &[]).await;
    let flags = ["--once", "--units", "1", "--command", "true"];
    world.runner_of(&flags).join();
    let metadata = world.metadata(long.as_str().unwrap()).await;
    assert_eq!(metadata["close_reason"], "failed");
    assert_eq!(world.metadata(&next).await["close_reason"], "finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_whose_metadata_is_full_ends_all_the_same() {
    let world = World::start(StoreKind::Sqlite).await;
    let mut bytes = 1 << 20;
    let job = loop {
        let line = json!({"spider": "full", "x": "x".repeat(bytes)}).to_string();
        let answer = world.stack.http().post("/jobq/1/push", line).await.ok();
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        if let Some(key) = answer["key"].as_str() {
            break key.to_owned();
        }
        bytes -= 1;
    };
    world.runner_of(&["--once", "--command", "true"]).join();
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["state"], "finished");
    assert_eq!(metadata["completed_by"], "jobrunner");
    assert!(metadata.get("close_reason").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_runner_that_cannot_write_gives_the_job_back_and_ends() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    // The folder of the project is none.
    let folder = world.file("", "");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("1"), "").unwrap();
    let runner = world.runner_of(&["--lease", "1", "--command", "true"]);
    let said = runner.fail();
    assert!(said.contains("spiderq: jobs can't be run here"), "{said}");
    let back = async || {
        let state = world.metadata(&job).await["state"].clone();
        (state == "pending").then_some(())
    };
    eventually("the job does not come back", back).await;
    assert!(world.metadata(&job).await.get("close_reason").is_none());
}

#[test]
fn a_runner_without_a_place_for_files_does_not_begin() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (status, _, said) = run(&[
        "runner",
        "--project",
        "1",
        "--api-key",
        Stack::KEY,
        "--data-dir",
        file.path().to_str().unwrap(),
    ]);
    assert!(!status.success());
    assert!(said.starts_with("spiderq: --data-dir: can't write to "), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_log_shows_the_key() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let flags = ["--once", "--log", "trace", "--command", "true"];
    let printed = world.runner_of(&flags).join();
    assert!(printed.contains(&format!("ended job=\"{job}\"")), "{printed}");
    assert!(!printed.contains(&world.worker));
}
