//! The examples of `tests/clients`, unmodified, each the whole life of a job. All print the
//! same words, so that one can be read beside another.

use spiderq_server::Network;
use spiderq_tests::{Stack, client_file, need, run_client};
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

/// The page's code is made in one folder.
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
async fn a_job_lives_by_curl() {
    need(&["curl", "jq"]);
    prints("bash", "curl/life.sh", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_by_buf_curl_from_reflection_alone() {
    need(&["buf", "jq"]);
    prints("bash", "buf/life.sh", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_by_python_from_reflection_alone() {
    prints("python", "grpc_python/life.py", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_by_node_from_the_proto_files() {
    prints("node", "node/life.mjs", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_by_a_page_in_a_browser() {
    need(&["buf", "protoc-gen-es", "esbuild", "playwright-core", "chromium"]);
    let _alone = PAGE.lock().await;
    prints("node", "browser/run.mjs", LIFE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_by_a_page_of_another_origin() {
    let _alone = PAGE.lock().await;
    let origin = "http://localhost:8080";
    let stack =
        Stack::on(Network { cors_origins: vec![origin.to_owned()], ..Network::default() }).await;
    let (page, file) = (format!("PAGE_ORIGIN={origin}"), client_file("browser/run.mjs"));
    let args = [page.as_str(), "node", &file];
    let printed = run_client(&stack.url, &stack.key, "env", &args).await;
    assert_eq!(printed, LIFE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_by_shub_and_is_cancelled() {
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
