//! Nothing that was acknowledged is lost when the server or its store is killed under load.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::future::join_all;
use serde_json::json;
use spiderq_tests::{
    Http, Program, Stack, eventually,
    redis_server::{DURABLE, RedisServer},
    sqlite_url,
};
use tokio::sync::Notify;

/// Callers that push at the same time.
const CALLERS: usize = 16;
/// Acknowledgements after which the server is killed.
const ENOUGH: usize = 400;

/// Pushes from many callers, and calls `kill` after [`ENOUGH`] acknowledgements while more
/// pushes are under way; returns the acknowledged keys.
async fn push_until_killed(url: &str, kill: impl FnOnce()) -> Vec<String> {
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let enough = Arc::new(Notify::new());
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let http = Http::new(url).basic(Stack::KEY, "");
            let (acknowledged, enough) = (acknowledged.clone(), enough.clone());
            tokio::spawn(async move {
                let mut keys = Vec::new();
                loop {
                    let line = json!({"spider": format!("s{caller}"), "nth": keys.len()});
                    let answer = http.try_post("/jobq/1/push", line.to_string()).await;
                    // A service that lost its store says so; one that was killed says nothing.
                    let Some(answer) = answer.filter(|answer| answer.status == 200) else {
                        return keys;
                    };
                    let key = answer.json()["key"].as_str().unwrap().to_owned();
                    keys.push(key);
                    if acknowledged.fetch_add(1, Ordering::SeqCst) == ENOUGH {
                        enough.notify_one();
                    }
                }
            })
        })
        .collect();
    enough.notified().await;
    kill();
    let keys = join_all(callers).await;
    keys.into_iter().flat_map(Result::unwrap).collect()
}

/// Every key is there, once, with the metadata that was pushed.
async fn assert_kept(url: &str, acknowledged: &[String]) {
    assert!(acknowledged.len() >= ENOUGH);
    let http = Http::new(url).basic(Stack::KEY, "");
    let list = "/jobq/1/list?state=pending&count=1000000&jobmeta=nth";
    let rows = http.get(list).await.ok().lines();
    let kept: HashSet<&str> = rows.iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(kept.len(), rows.len(), "no job is listed twice");
    for key in acknowledged {
        assert!(kept.contains(key.as_str()), "{key} was acknowledged");
    }
    let unknown = rows.len() - acknowledged.len();
    assert!(unknown <= CALLERS, "{unknown} jobs nobody pushed");
    assert!(rows.iter().all(|row| row["nth"].is_number()));
    let again = http.post("/jobq/1/push", r#"{"spider":"s0"}"#).await.ok();
    let again = again.json()["key"].as_str().unwrap().to_owned();
    assert!(!kept.contains(again.as_str()), "no number is given twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_every_acknowledged_push_when_the_service_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let mut program = Program::serve(&store, &[]);
    let url = program.url.clone();
    let keys = push_until_killed(&url, || program.kill()).await;
    let program = Program::serve(&store, &[]);
    assert_kept(&program.url, &keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_every_acknowledged_push_when_service_and_redis_are_killed() {
    let mut redis = RedisServer::start(DURABLE);
    let mut program = Program::serve(&redis.url(), &[]);
    let url = program.url.clone();
    let keys = push_until_killed(&url, || {
        redis.kill();
        program.kill();
    })
    .await;
    redis.restart();
    let program = Program::serve(&redis.url(), &[]);
    assert_kept(&program.url, &keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_returns_503_while_its_redis_is_down_and_recovers() {
    let mut redis = RedisServer::start(DURABLE);
    let program = Program::serve(&redis.url(), &[]);
    let keys = push_until_killed(&program.url, || redis.kill()).await;
    let http = Http::new(&program.url).basic(Stack::KEY, "");
    // A refused push may have been done: the job may be there later, once.
    let refused = http.post("/jobq/1/push", r#"{"spider":"s","nth":0}"#).await;
    assert_eq!(refused.status, 503, "{refused}");
    assert!(!refused.header("retry-after").is_empty());

    redis.restart();
    // It reconnects by itself; until then it goes on saying 503.
    eventually("it does not reconnect", async || {
        (http.get("/jobq/1/count").await.status != 503).then_some(())
    })
    .await;
    assert_kept(&program.url, &keys).await;
}
