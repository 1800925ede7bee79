//! A server that is away when a job ends.

use std::{fs, process::Command};

use serde_json::json;
use spiderq_tests::{Http, Program, Stack, free_port};

#[test]
fn the_end_of_a_job_is_reported_when_the_server_is_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let store = format!("sqlite:{}", path("spiderq.db"));
    let listen = format!("127.0.0.1:{}", free_port());
    let args = ["serve", "--store", &store, "--listen", &listen, "--admin-key", Stack::KEY];
    let serve = || Program::start(&args);
    let mut server = serve();
    let url = server.url.clone();
    let http = Http::new(&url).basic(Stack::KEY, "");
    let fields = [("project", "1"), ("spider", "any")];
    let answer = runtime.block_on(http.form("/api/run.json", &fields)).ok();
    assert_eq!(answer.json()["jobid"], "1/1/1");

    // The job reads a pipe: it ends when the test says so.
    let pipe = path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (data, command) = (path("data"), format!("cat {pipe}"));
    let mut runner = Program::spawn(&[
        "runner",
        "--server",
        &url,
        "--api-key",
        Stack::KEY,
        "--project",
        "1",
        "--data-dir",
        &data,
        "--command",
        &command,
    ]);
    runner.wait_for("started job=\"1/1/1\"");
    server.kill();
    fs::write(&pipe, "the last line").unwrap();
    runner.wait_for("output not sent, retrying");
    let _server = serve();
    runner.wait_for("ended job=\"1/1/1\"");
    let row = runtime.block_on(http.get("/api/jobs/list.json?project=1")).ok();
    let row = row.json()["jobs"][0].clone();
    let told = ["state", "close_reason", "logs"].map(|name| row[name].clone());
    assert_eq!(told, [json!("finished"), json!("finished"), json!(1)]);
    // It takes jobs again.
    let fields = [("project", "1"), ("spider", "another")];
    runtime.block_on(http.form("/api/run.json", &fields)).ok();
    runner.wait_for("started job=\"1/2/1\"");
}
