//! A server that is killed under an open page and started again.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use spiderq_tests::{
    Program, Stack, client_command, client_file, free_port, need, redis_server::RedisServer,
    sqlite_url,
};

use crate::{BROWSER, PROJECT};

/// Runs the program, and kills and starts the server where it says so. Answers its last line.
fn outlives_a_restart(store: &str) -> String {
    let listen = format!("127.0.0.1:{}", free_port());
    let args = ["serve", "--store", store, "--listen", &listen, "--admin-key", Stack::KEY];
    let mut server = Program::start(&args);
    let home = tempfile::tempdir().unwrap();
    let mut client = client_command("node", &[&client_file("page/restart.mjs")], home.path())
        .env("SPIDERQ_URL", &server.url)
        .env("SPIDERQ_API_KEY", Stack::KEY)
        .env("SPIDERQ_PROJECT", PROJECT.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = client.stdin.take().unwrap();
    let mut last = String::new();
    for line in BufReader::new(client.stdout.take().unwrap()).lines() {
        last = line.unwrap();
        match last.as_str() {
            "kill" => {
                server.kill();
                writeln!(answers, "killed").unwrap();
            }
            "start" => {
                server = Program::start(&args);
                writeln!(answers, "started").unwrap();
            }
            _ => {}
        }
    }
    assert!(client.wait().unwrap().success(), "{last}");
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_outlives_a_restart_of_the_server() {
    need(&["node", "playwright-core", "chromium"]);
    let _alone = BROWSER.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(&[]);
    for store in [sqlite_url(folder.path()), redis.url()] {
        eprintln!("on {store}:");
        let last = tokio::task::spawn_blocking(move || outlives_a_restart(&store)).await.unwrap();
        assert_eq!(last, "went on with its session");
    }
}
