//! A runner and a server that keeps what jobs put out in an object store.

use std::{fs, process::Command};

use serde_json::{Value, json};
use spiderq_proto::v1::OutputKind;
use spiderq_tests::{
    Grpc, Http, Program, S3Server, Site, Stack, StoreKind, eventually, redis_server::RedisServer,
    sqlite_url, start_crawl,
};

use crate::{
    left_world::last_item,
    output::lines,
    world::{Runner, World, run_script, script},
};

/// A server whose output is in the bucket.
fn serve(s3: &S3Server, store: &str) -> Program {
    let output = format!("s3://{}/some/prefix", S3Server::BUCKET);
    Program::serve_in(&s3.environment(), store, &["--output", &output])
}

/// Such a server and a runner of project 1 for it.
fn runner(url: &str, data: &str, more: &[&str]) -> Runner {
    let fixed = ["runner", "--once", "--server", url, "--api-key", Stack::KEY, "--project", "1"];
    let data = ["--data-dir", data, "--rotate-bytes", "64KiB", "--lease", "600"];
    Runner(Program::spawn(&[fixed.as_slice(), &data, more].concat()))
}

async fn schedule(http: &Http, spider: &str, url: &str) {
    let fields = [("project", "1"), ("spider", spider), ("url", url)];
    http.form("/api/run.json", &fields).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crawl_is_in_the_object_store_and_read_from_it() {
    // Of this world, the project and the site are used.
    let world = World::start(StoreKind::Sqlite).await;
    let (s3, redis) = (S3Server::start().await, RedisServer::start(&[]));
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&s3, &redis.url());
    let http = Http::new(&server.url).basic(Stack::KEY, "");
    let site: &Site = &world.site;
    schedule(&http, "books", &site.url).await;
    let (command, project) = (start_crawl(), world.project());
    let scrapy = ["--start-crawl", command.to_str().unwrap(), "--project-dir", &project];
    let data = folder.path().join("data");
    runner(&server.url, data.to_str().unwrap(), &scrapy).join();
    let grpc = Grpc::new(&server.url, Stack::KEY);
    let row = http.get("/api/jobs/list.json?project=1").await.ok().json()["jobs"][0].clone();
    let kinds = [
        ("items", OutputKind::Items, "items_scraped"),
        ("requests", OutputKind::Requests, "responses_received"),
        ("logs", OutputKind::Logs, "logs"),
    ];
    for (path, kind, counter) in kinds {
        let read = lines(&grpc, "1/1/1", kind).await;
        assert!(!read.is_empty(), "{path}");
        assert_eq!(row[counter], read.len());
        let page = http.get(&format!("/{path}/1/1/1?format=json")).await.ok().json();
        assert_eq!(page, Value::Array(read), "{path}");
    }
    let kept = fs::read_dir(s3.folder().join(S3Server::BUCKET).join("some/prefix/1/1/1")).unwrap();
    assert!(kept.count() >= 3);
    assert!(!data.join("1/1/1").exists());
}

const ROUNDS: usize = 10;
/// Items of a round.
const ROUND: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_object_store_that_is_killed_again_and_again_has_every_line_once_and_in_order() {
    let mut s3 = S3Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&s3, &sqlite_url(folder.path()));
    let http = Http::new(&server.url).basic(Stack::KEY, "");
    schedule(&http, "any", "").await;
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pipes: Vec<String> = (1..=2 * ROUNDS).map(|n| path(&format!("pipe{n}"))).collect();
    assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
    // Each half of a round begins when the test says so.
    let (pipe, text, half) = (path("pipe"), "x".repeat(80), ROUND / 2);
    let text = format!(
        r#"exec 3> $SHUB_FIFO_PATH
        for half in $(seq {}); do
            read line < {pipe}$half
            seq -f 'ITM {{"n": %.0f, "text": "{text}"}}' \
                $((($half - 1) * {half} + 1)) $(($half * {half})) >&3
        done"#,
        2 * ROUNDS
    );
    let script = script(&text);
    let begin = |half: usize| {
        tokio::task::block_in_place(|| fs::write(&pipes[half], "go\n").unwrap());
    };
    let (data, command) = (path("data"), run_script(&script, ""));
    let mut runner = runner(&server.url, &data, &["--command", &command]);
    runner.wait_for("started job=\"1/1/1\"");
    let grpc = Grpc::new(&server.url, Stack::KEY);
    let spool = folder.path().join("data/1/1/1");
    for round in 0..ROUNDS {
        begin(2 * round);
        if round % 2 == 1 {
            // In others it is killed whatever the runner sends just now.
            let begun = async || {
                let items = lines(&grpc, "1/1/1", OutputKind::Items).await;
                (items.len() > round * ROUND).then_some(())
            };
            eventually("no item of the round", begun).await;
        }
        s3.kill().await;
        // The job goes on meanwhile.
        begin(2 * round + 1);
        let spooled = async || (last_item(&spool) == (round + 1) * ROUND).then_some(());
        eventually("the job does not go on", spooled).await;
        if round % 2 == 1 {
            // It is away for longer than the server tries by itself.
            tokio::task::block_in_place(|| runner.0.wait_for_next("output not sent, retrying"));
        }
        s3.restart().await;
    }
    runner.join();
    let mut expected = Vec::new();
    expected.extend((1..=ROUNDS * ROUND).map(|n| json!({"n": n, "text": "x".repeat(80)})));
    let items = lines(&grpc, "1/1/1", OutputKind::Items).await;
    assert_eq!(items.len(), expected.len());
    assert!(items == expected, "not in order");
    let page = http.get("/items/1/1/1?format=jl").await.ok();
    assert!(page.lines() == expected, "over HTTP");
    let row = http.get("/api/jobs/list.json?project=1").await.ok().json()["jobs"][0].clone();
    assert_eq!(row["items_scraped"], expected.len());
    assert_eq!(row["close_reason"], "finished");
    assert!(!spool.exists());
}
