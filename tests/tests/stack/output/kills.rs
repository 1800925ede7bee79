//! Lines that were acknowledged are there once, in order, however often the server is killed.

use std::path::Path;

use spiderq_tests::{
    Program, Stack,
    redis_server::{DURABLE, RedisServer},
    sqlite_url,
};

use super::*;

/// How often it is killed.
const KILLS: u64 = 10;
/// Lines that each of them must have acknowledged before.
const LINES: i64 = 3_000;

/// Appends batches of several sizes until the server is gone, which it is killed to be after some
/// lines. Where the acknowledged lines end.
async fn append_until_killed(program: &mut Program, key: &str) -> i64 {
    let grpc = Grpc::new(&program.url, Stack::KEY);
    // What a writer does after an answer was lost: it asks where the output ends.
    let begin = append(&grpc, key, "", 0, &[]).await.unwrap();
    let (mut next, mut batch) = (begin, 1);
    let mut pending = None;
    loop {
        let texts = logs(next as u64..(next + batch) as u64);
        let appending = append(&grpc, key, "", next, &texts);
        if next - begin >= LINES && pending.is_none() {
            pending = Some(());
            let (answer, ()) = tokio::join!(appending, async {
                tokio::task::yield_now().await;
                program.kill();
            });
            return answer.unwrap_or(next);
        }
        next = appending.await.unwrap();
        batch = batch * 3 % 997 + 1;
    }
}

async fn assert_kept(store: &str, folder: &Path) {
    let output = format!("--output=file:{}/output", folder.display());
    let mut key = String::new();
    let mut acknowledged = 0;
    for round in 0..=KILLS {
        let mut program = Program::serve(store, &[&output]);
        let grpc = Grpc::new(&program.url, Stack::KEY);
        if round == 0 {
            let job = scheduled(&grpc, schedule("spider")).await.unwrap();
            // Without a lease: it outlives its server.
            let start = StartJobRequest { project: 53, lease: span(0), ..Default::default() };
            grpc.queue().start_job(start).await.unwrap();
            key = job;
        }
        let (found, _, next) = all(&grpc, read(&key)).await;
        assert!(next >= acknowledged, "{acknowledged} lines were acknowledged, {next} are there");
        assert_eq!(found, numbered(&logs(0..next as u64)));
        if round < KILLS {
            acknowledged = append_until_killed(&mut program, &key).await;
        }
    }
    assert!(acknowledged >= LINES * KILLS as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_lines_survive_kills_of_a_server_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    assert_kept(&sqlite_url(folder.path()), folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_lines_survive_kills_of_a_server_on_redis() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(DURABLE);
    assert_kept(&redis.url(), folder.path()).await;
}
