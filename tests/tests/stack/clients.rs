//! Clients that are not ours: the examples of `tests/clients`, unmodified, each the whole life of
//! a job, and the official Python client. All examples print the same words, so that one can be
//! read beside another. Those with generated code print others: they tour what the code adds.

use std::{path::Path, process::Command};

use spiderq_server::Network;
use spiderq_tests::{Stack, client_file, need, python, run_client};
use tokio::sync::Mutex;

use crate::on_each_store;

const LIFE: &str = "\
scheduled 123/1/1
started 123/1/1 with arg1=val1
updated progress=0.5
finished 123/1/1, was running
listed 123/1/1 finished
metadata close_reason=finished progress=0.5
deleted 1
";

/// What the programs with generated code print.
const TOUR: &str = "\
scheduled 123/1/1
refused DUPLICATE of 123/1/1
would stop 1
stopped 1
finished 123/1/1, cancelled
";

/// The page's code is built in one folder, by one test at a time.
static PAGE: Mutex<()> = Mutex::const_new(());

/// Runs the example `file` with the command `program` on a new stack of either store.
async fn prints(program: &str, file: &str, expected: &str) {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let printed = run_client(&stack.url, &stack.key, program, &[&client_file(file)]).await;
        assert_eq!(printed, expected, "on {kind:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_curl_example_runs_a_job() {
    need(&["curl", "jq"]);
    prints("bash", "curl/life.sh", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_buf_curl_example_runs_a_job_from_reflection_alone() {
    need(&["buf", "jq"]);
    prints("bash", "buf/life.sh", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_example_runs_a_job_from_reflection_alone() {
    prints("python", "grpc_python/life.py", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_example_runs_a_job_from_the_proto_files() {
    prints("node", "node/life.mjs", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_browser_example_runs_a_job() {
    need(&["buf", "protoc-gen-es", "esbuild", "playwright-core", "chromium"]);
    let _alone = PAGE.lock().await;
    prints("node", "browser/run.mjs", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_browser_example_runs_a_job_from_another_origin() {
    let _alone = PAGE.lock().await;
    let origin = "http://127.0.0.1:8080";
    let stack =
        Stack::on(Network { cors_origins: vec![origin.to_owned()], ..Network::default() }).await;
    let (page, file) = (format!("PAGE_ORIGIN={origin}"), client_file("browser/run.mjs"));
    let args = [page.as_str(), "node", &file];
    let printed = run_client(&stack.url, &stack.key, "env", &args).await;
    assert_eq!(printed, LIFE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_go_schedules_and_stops_a_job() {
    need(&["go", "protoc-gen-go", "protoc-gen-go-grpc", "buf"]);
    prints("bash", "go/run.sh", TOUR).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_typescript_schedules_and_stops_a_job() {
    need(&["node", "tsc", "buf", "protoc-gen-es", "esbuild"]);
    prints("bash", "typescript/run.sh", TOUR).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_python_schedules_and_stops_a_job() {
    prints("bash", "python_generated/run.sh", TOUR).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shub_example_runs_and_cancels_a_job() {
    need(&["shub", "curl", "jq"]);
    let life = "\
you are logged in now
scheduled 123/1/1
started 123/1/1 with arg1=val1
cancelled {'count': 1}
updated stop_requested=true
finished 123/1/1, was running
listed 123/1/1 finished
metadata close_reason=cancelled
deleted 1
";
    prints("bash", "shub/life.sh", life).await;
}

/// What shub shows of a job that has ended: the same with `-f`, which then has nothing to wait for.
const OUTPUT: &str = "\
2019-08-20 14:36:41.163000 INFO Spider opened
2019-08-20 14:36:42.163000 ERROR no price
";
const ITEMS: &str = "\
{\"name\": \"A\", \"price\": 1.50,\"_key\":\"123/1/1/0\"}
{\"name\": \"B\", \"price\": null,\"_key\":\"123/1/1/1\"}
";
const REQUEST: &str = "{\"time\": 1566311801999, \"url\": \"http://books.example/\", \
                       \"status\": 200,\"_key\":\"123/1/1/0\"}\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shub_shows_and_follows_what_a_job_puts_out() {
    need(&["shub", "curl", "jq"]);
    let [first, second] = [0, 1].map(|line| ITEMS.lines().nth(line).unwrap());
    let written = "logs 2\nrequests 1\nitems 1\n";
    let followed = format!("followed {first}\nitems 2\nfollowed {second}\n");
    let shown = |follow| {
        format!("log {follow}\n{OUTPUT}items {follow}\n{ITEMS}requests {follow}\n{REQUEST}")
    };
    let (all, again) = (shown(""), shown("-f"));
    let error = OUTPUT.lines().last().unwrap();
    let last = format!("log -n 1\n{error}\nitems -n 1\n{second}\n");
    let expected = format!("{written}{followed}{all}{again}{last}");
    prints("bash", "shub/output.sh", &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_python_client_works_unmodified() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let mut command = Command::new(python());
        command
            .args(["-m", "unittest", "discover", "--verbose"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python"))
            .env("SPIDERQ_URL", &stack.url)
            .env("SPIDERQ_KEY", &stack.key);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "on {kind:?}:\n{report}");
        assert!(report.contains("\nOK"), "no test was skipped:\n{report}");
        assert!(!report.contains("skipped"), "{report}");
    })
    .await;
}
