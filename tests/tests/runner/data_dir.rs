//! A `--data-dir` that cannot be written to.

use std::fs;

use spiderq_tests::{Stack, StoreKind, eventually, run};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_runner_that_cannot_write_gives_the_job_back_and_ends() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    // In place of the project's folder there is a file.
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
fn a_runner_without_a_writable_data_dir_does_not_start() {
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
