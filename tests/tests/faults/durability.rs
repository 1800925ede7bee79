//! What the program reports about its store's durability, and `--require-durable`.

use serde_json::{Value, json};
use spiderq_tests::{
    Http, Program, Stack, eventually,
    redis_cluster::RedisCluster,
    redis_server::{DURABLE, RedisServer},
    run, sqlite_url,
};

const NOTHING: &str = "appendonly no, appendfsync everysec, save \"\", \
     maxmemory-policy noeviction: all data are lost with the process";

/// What `serve --require-durable` prints last before it gives up.
fn refusal(store: &str) -> String {
    let listen = ["--listen", "127.0.0.1:0", "--admin-key", Stack::KEY];
    let args = [&["serve", "--require-durable", "--store", store][..], &listen].concat();
    let (status, _, error) = run(&args);
    assert!(!status.success());
    let last = error.lines().last().unwrap_or_default();
    let at = last.find("--require-durable").unwrap_or_default();
    last[at..].to_owned()
}

#[test]
fn require_durable_refuses_an_unsafe_store_with_the_reason() {
    let server = RedisServer::start(&[]);
    let expected = format!("--require-durable: redis: {NOTHING}");
    assert_eq!(refusal(&server.url()), expected);
    let cluster = RedisCluster::start(false, &[]);
    let subject = "redis cluster, masters 3, replicas 0";
    let expected = format!("--require-durable: {subject}: {NOTHING}");
    assert_eq!(refusal(&cluster.url()), expected);
}

#[tokio::test]
async fn require_durable_accepts_a_durable_store() {
    let server = RedisServer::start(DURABLE);
    let folder = tempfile::tempdir().unwrap();
    let sqlite = sqlite_url(folder.path());
    for store in [server.url(), sqlite] {
        let program = Program::serve(&store, &["--require-durable"]);
        let ready = Http::new(&program.url).get("/readyz").await.ok().json();
        assert_eq!(ready["durable"], true, "{ready}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_names_the_least_safe_master_of_a_cluster() {
    let mut cluster = RedisCluster::start(false, DURABLE);
    let program = Program::serve(&cluster.url(), &[]);
    let http = Http::new(&program.url).basic(Stack::KEY, "");
    let says = async |expected: Value| {
        // An answer is given again for a second.
        eventually("another readiness", async || {
            let ready = http.get("/readyz").await.ok().json();
            (ready == expected).then_some(())
        })
        .await;
    };
    let subject = "redis cluster, masters 3, replicas 0";
    let all = "save \"\", maxmemory-policy noeviction";
    let safe = format!("appendonly yes, appendfsync always, {all}: no acknowledged write is lost");
    let said =
        |durable, said: String| json!({"status": "ok", "durable": durable, "durability": said});
    says(said(true, format!("{subject}: {safe}"))).await;
    let lax = ["CONFIG", "SET", "appendfsync", "everysec"];
    cluster.server(1).command::<()>(&lax);
    let loss = "up to 2 s of acknowledged writes can be lost";
    let worst = format!("appendonly yes, appendfsync everysec, {all}: {loss}");
    let expected = format!("{subject}, of which the least safe has {worst}");
    says(said(false, expected)).await;
    cluster.kill(1);
    let expected = format!("{subject}: {safe}; 1 of 3 masters do not answer");
    says(said(false, expected)).await;
}
