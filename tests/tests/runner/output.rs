//! What jobs put out is behind the API while they run, once and in order, whatever happens to the
//! server; the counters of a job are the numbers of its lines.

use std::{fs, process::Command};

use serde_json::{Value, json};
use spiderq_proto::v1::{OutputKind, ReadOutputRequest};
use spiderq_tests::{Grpc, Http, Program, Stack, StoreKind, free_port};

use crate::world::{Runner, World, run_script, script};

/// The lines of an output of the last attempt.
pub(crate) async fn lines(grpc: &Grpc, job: &str, kind: OutputKind) -> Vec<Value> {
    lines_of(grpc, job, kind, None).await
}

/// The lines of an output of this attempt.
pub(crate) async fn lines_of(
    grpc: &Grpc,
    job: &str,
    kind: OutputKind,
    attempt: Option<i32>,
) -> Vec<Value> {
    let request = ReadOutputRequest {
        key: job.to_owned(),
        kind: kind.into(),
        attempt,
        ..ReadOutputRequest::default()
    };
    let mut stream = grpc.output().read_output(request).await.unwrap().into_inner();
    let mut lines = Vec::new();
    while let Some(some) = stream.message().await.unwrap() {
        lines.extend(some.lines.iter().map(|line| serde_json::from_slice(line).unwrap()));
    }
    lines
}

/// A runner that keeps no files.
pub(crate) fn sending(world: &World, flags: &[&str]) -> Runner {
    let flags = world.flags(flags);
    let flags = flags.iter().map(String::as_str).filter(|flag| *flag != "--keep-local");
    Runner(Program::spawn(&flags.collect::<Vec<_>>()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crawl_is_behind_the_api_and_its_counters_are_its_lines() {
    for kind in StoreKind::ALL {
        let world = World::start(kind).await;
        let job = world.schedule("books", &[("url", &world.site.url)]).await;
        let (command, project) = (spiderq_tests::start_crawl(), world.project());
        let command = command.to_str().unwrap();
        let flags = ["--once", "--start-crawl", command, "--project-dir", &project];
        sending(&world, &flags).join();
        let (grpc, row) = (world.stack.grpc(), world.row(&job).await);
        let [items, requests, logs] =
            [OutputKind::Items, OutputKind::Requests, OutputKind::Logs].map(|kind| (kind, &grpc));
        let items = lines(items.1, &job, items.0).await;
        assert_eq!(items[0]["title"], "a of /1");
        assert_eq!(row["items_scraped"], items.len());
        let requests = lines(requests.1, &job, requests.0).await;
        let asked = |line: &Value| line["url"].as_str().unwrap().starts_with(&world.site.url);
        assert!(!requests.is_empty() && requests.iter().all(asked), "{requests:?}");
        assert_eq!(row["responses_received"], requests.len());
        let logs = lines(logs.1, &job, logs.0).await;
        let missing = |line: &&Value| line["level"] == 40;
        assert_eq!(row["errors_count"], logs.iter().filter(missing).count());
        assert_eq!(row["logs"], logs.len());
        // Nothing is left on the runner's machine, and no path is told.
        let metadata = world.metadata(&job).await;
        assert!(metadata["runner"].as_str().unwrap().starts_with("test@"), "{metadata}");
        assert!(metadata.get("log_path").is_none(), "{metadata}");
        assert!(!world.file(&job, "").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_puts_out_more_than_its_project_may_is_ended() {
    let world = World::start(StoreKind::Sqlite).await;
    let settings = world.stack.http();
    settings.post("/projects/1/settings", r#"{"max_output_bytes": 200000}"#).await.ok();
    let job = world.schedule("any", &[]).await;
    sending(&world, &["--once", "--command", "yes"]).join();
    let metadata = world.metadata(&job).await;
    assert_eq!(metadata["close_reason"], "cancelled (output limit)");
}

#[test]
fn a_server_that_keeps_no_output_leaves_the_files() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("spiderq.db").display());
    let server = Program::serve(&store, &["--output", "none"]);
    let http = Http::new(&server.url).basic(Stack::KEY, "");
    let fields = [("project", "1"), ("spider", "any")];
    runtime.block_on(http.form("/api/run.json", &fields)).ok();
    let data = folder.path().join("data");
    let fixed = ["runner", "--once", "--server", &server.url, "--api-key", Stack::KEY];
    let more = ["--project", "1", "--data-dir", data.to_str().unwrap(), "--command", "echo hello"];
    Runner(Program::spawn(&[fixed.as_slice(), &more].concat())).join();
    let metadata = runtime.block_on(http.get("/jobs/1/1/1")).ok().json();
    let log = data.join("1/1/1/log.1.jl");
    assert_eq!(metadata["log_path"], json!(log));
    assert!(fs::read_to_string(log).unwrap().contains("[stdout] hello"));
}

/// Each round of the job puts out so many items.
const ROUND: usize = 20_000;
const ROUNDS: usize = 5;

#[test]
fn a_server_that_is_killed_again_and_again_has_every_line_once_and_in_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let store = format!("sqlite:{}", path("spiderq.db"));
    let listen = format!("127.0.0.1:{}", free_port());
    let args = ["serve", "--store", &store, "--listen", &listen, "--admin-key", Stack::KEY];
    let mut server = Program::start(&args);
    let url = server.url.clone();
    let http = Http::new(&url).basic(Stack::KEY, "");
    let fields = [("project", "1"), ("spider", "any")];
    runtime.block_on(http.form("/api/run.json", &fields)).ok();

    // A round begins when the test says so.
    let pipe = path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let text = format!(
        r#"exec 3> $SHUB_FIFO_PATH
        for round in $(seq {ROUNDS}); do
            read line < {pipe}
            seq -f 'ITM {{"n": %.0f}}' $((($round - 1) * {ROUND} + 1)) $(($round * {ROUND})) >&3
        done"#
    );
    let (script, data) = (script(&text), path("data"));
    let command = run_script(&script, "");
    let fixed = ["runner", "--once", "--server", &url, "--api-key", Stack::KEY, "--project", "1"];
    let more = ["--data-dir", &data, "--lease", "600", "--command", &command];
    let mut runner = Runner(Program::spawn(&[fixed.as_slice(), &more].concat()));
    runner.wait_for("started job=\"1/1/1\"");
    for _ in 0..ROUNDS {
        fs::write(&pipe, "go\n").unwrap();
        server.kill();
        server = Program::start(&args);
    }
    runner.join();
    let items = runtime.block_on(async {
        let grpc = Grpc::new(&url, Stack::KEY);
        lines(&grpc, "1/1/1", OutputKind::Items).await
    });
    let expected: Vec<Value> = (1..=ROUND * ROUNDS).map(|n| json!({"n": n})).collect();
    assert_eq!(items.len(), expected.len());
    assert!(items == expected, "not in order");
    let row = runtime.block_on(http.get("/api/jobs/list.json?project=1")).ok().json();
    assert_eq!(row["jobs"][0]["items_scraped"], ROUND * ROUNDS);
    assert_eq!(row["jobs"][0]["close_reason"], "finished");
}
