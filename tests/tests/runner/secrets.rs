//! How the runner gets its key, and where that never shows.

use std::{
    env,
    fs::{self, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use spiderq_tests::{StoreKind, program};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_log_shows_the_key() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let flags = ["--once", "--log", "trace", "--command", "true"];
    let printed = world.runner_of(&flags).join();
    assert!(printed.contains(&format!("ended job=\"{job}\"")), "{printed}");
    assert!(!printed.contains(&world.worker));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_key_may_come_from_a_file_or_from_standard_input() {
    let world = World::start(StoreKind::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, format!("{}\n", world.worker)).unwrap();
    let data = folder.path().join("data");
    for key_file in [file.to_str().unwrap(), "-"] {
        let job = world.schedule("any", &[]).await;
        let mut runner = Command::new(program())
            .args(["runner", "--server", &world.stack.url, "--project", "1", "--once"])
            .args(["--api-key-file", key_file, "--command", "true", "--data-dir"])
            .arg(&data)
            .env_remove("SPIDERQ_API_KEY")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = runner.stdin.take().unwrap();
        if key_file == "-" {
            input.write_all(world.worker.as_bytes()).unwrap();
        }
        drop(input);
        let output = runner.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(world.metadata(&job).await["state"], "finished", "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn git_is_not_given_the_key_whose_variables_jobs_can_read() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let git = folder.path().join("git");
    fs::write(&git, "#!/bin/sh\necho \"key${SPIDERQ_API_KEY:+given}\"\n").unwrap();
    fs::set_permissions(&git, Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("scrapy.cfg"), "").unwrap();
    let path = format!("{}:{}", folder.path().display(), env::var("PATH").unwrap());
    let mut runner = Command::new(program());
    let runner = runner
        .args(["runner", "--once", "--project", "1", "--server", &world.stack.url])
        .args(["--start-crawl", "true", "--project-dir"])
        .arg(folder.path())
        .arg("--data-dir")
        .arg(world.data())
        .env("SPIDERQ_API_KEY", &world.worker)
        .env("PATH", path);
    let ended = tokio::task::block_in_place(|| runner.output()).unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["version"], "key-key");
    assert_eq!(metadata["close_reason"], "finished");
}
