//! Jobs that fail or cannot be started, and how each is reported.

use std::fs;

use serde_json::{Value, json};
use spiderq_tests::{StoreKind, python};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spider_that_cannot_start_fails_and_its_log_says_why() {
    let world = World::start(StoreKind::Sqlite).await;
    let cases = [
        (world.schedule("broken", &[]).await, "ValueError: the shop is closed"),
        (world.schedule("nosuch", &[]).await, "Spider not found: nosuch"),
        (world.schedule("py:nosuch.py", &[]).await, "Script 'nosuch.py' not found"),
    ];
    let printed = world.runner(&["--once", "--units", "3"]).join();
    for (job, why) in cases {
        let metadata = world.metadata(&job).await;
        assert_eq!(metadata["state"], "finished");
        assert_eq!(metadata["close_reason"], "failed");
        assert_eq!(metadata["completed_by"], "jobrunner");
        assert!(metadata.get("scrapystats").is_none(), "{metadata}");
        let row = world.row(&job).await;
        assert_eq!((&row["errors_count"], &row["items_scraped"]), (&json!(1), &json!(0)));
        let says = |line: &Value| line["message"].as_str().unwrap().contains(why);
        let log = world.lines(&job, "log.1.jl");
        assert!(log.iter().any(says), "{log:?}");
        assert_eq!(row["logs"], json!(log.len()));
        assert!(printed.contains(why), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_script_gets_its_arguments_and_environment() {
    let world = World::start(StoreKind::Sqlite).await;
    let fields = [("cmd_args", "--name 'two words'"), ("environment", r#"{"COLOUR": "blue"}"#)];
    let job = world.schedule("py:report.py", &fields).await;
    let python = python();
    let project = world.project();
    let flags = ["--once", "--python", python.to_str().unwrap()];
    let runner = world.runner_of(&[flags.as_slice(), &["--project-dir", &project]].concat());
    runner.join();
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "finished");
    assert_eq!(metadata["spider_type"], "script");
    let log = world.lines(&job, "log.1.jl");
    let messages: Vec<&Value> = log.iter().map(|line| &line["message"]).collect();
    let expected = ["Log opened.", "[stdout] report --name two words for blue"];
    assert_eq!(messages, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_line_of_a_failed_job_begins_with_what_it_is_and_ends_with_what_it_said() {
    let world = World::start(StoreKind::Sqlite).await;
    let script = world.schedule("py:complain.py", &[]).await;
    let broken = world.schedule("broken", &[]).await;
    let printed = world.runner(&["--once", "--units", "1"]).join();
    let mut lines = printed.lines();
    for (job, spider, exit, said) in [
        (script, "py:complain.py", "code 3", "[stderr] the till is empty"),
        (broken, "broken", "code 1", "ValueError: the shop is closed"),
    ] {
        let begin = format!(
            "ended job=\"{job}\" spider=\"{spider}\" reason=\"failed\" exit=\"{exit}\" items=0 pages=0"
        );
        assert!(lines.any(|line| line.contains(&begin)), "{begin}:\n{printed}");
        let below: Vec<&str> =
            lines.by_ref().map_while(|line| line.strip_prefix("    | ")).collect();
        assert!(below.contains(&said), "{said}: {below:?}\n{printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_failed_job_says_is_escaped_in_the_log() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let script = r#"sh -c 'printf "\033[2J\036x\r2026 WARN forged\n" >&2; exit 1'"#;
    let printed = world.runner_of(&["--once", "--command", script]).join();
    let below = "\n    | [stderr] \\u{1b}[2Jx\\r2026 WARN forged\n";
    assert!(printed.contains(below), "{printed}");
    assert_eq!(world.metadata(&job).await["close_reason"], "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_cannot_be_started_fails_and_the_next_one_runs() {
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
    let flags = ["--once", "--units", "1", "--command", "true", "--allow-env", "LONG"];
    world.runner_of(&flags).join();
    let metadata = world.metadata(long.as_str().unwrap()).await;
    assert_eq!(metadata["close_reason"], "failed");
    assert_eq!(world.metadata(&next).await["close_reason"], "finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_with_full_metadata_still_finishes() {
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
    assert_eq!(metadata["close_reason"], "finished");
}
