//! Hostile and silent connections, against the real program with its own limits.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rustix::process::{Resource, getrlimit, setrlimit};
use spiderq_proto::v1::CountJobsRequest;
use spiderq_tests::{Grpc, Http, MAGIC, Program, Raw, SETTINGS, Stack, TIMEOUT, sqlite_url};

const ATTACKERS: usize = 2_000;
/// Memory that the server may keep of them, KiB. While they last they take four times as much.
const NOISE: u64 = 4 << 10;

/// Beginnings of requests that never get an end.
fn openings() -> [Vec<u8>; 7] {
    [
        b"".to_vec(),
        b"GET /jobq/1/co".to_vec(),
        b"POST /jobq/1/push HTTP/1.1\r\nhost: x\r\ncontent-le".to_vec(),
        MAGIC[..11].to_vec(),
        MAGIC.to_vec(),
        [MAGIC, &SETTINGS[..5]].concat(),
        // A payload was promised.
        [MAGIC, &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3]].concat(),
    ]
}

/// This process is the client of all of them.
fn allow_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

async fn call(http: &Http, grpc: &Grpc) {
    assert_eq!(http.get("/jobq/1/count").await.ok().json(), 0);
    let request = CountJobsRequest { project: 1, filter: None };
    let count = grpc.jobs().count_jobs(request).await.unwrap();
    assert_eq!(count.into_inner().count, 0);
}

/// Opens them all at once; returns when the server has closed the last.
async fn attack(url: &str) {
    let openings = openings();
    let begin = (0..ATTACKERS).map(|number| {
        let opening = &openings[number % openings.len()];
        async move {
            let mut raw = Raw::begin(url, opening).await;
            let answer = raw.read_to_end().await;
            let opening = String::from_utf8_lossy(opening);
            assert_eq!(String::from_utf8_lossy(&answer), "", "{opening:?}");
        }
    });
    join_all(begin).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_unfinished_openings_are_closed_while_other_calls_go_on() {
    allow_open_files();
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let program = Program::serve(&store, &[]);
    let http = Http::new(&program.url).basic(Stack::KEY, "");
    let grpc = Grpc::new(&program.url, Stack::KEY);
    for _ in 0..100 {
        call(&http, &grpc).await;
    }
    let before = program.memory();
    for _ in 0..2 {
        let url = program.url.clone();
        let attackers = tokio::spawn(async move { attack(&url).await });
        let mut calls = 0;
        while !attackers.is_finished() {
            call(&http, &grpc).await;
            calls += 1;
        }
        attackers.await.unwrap();
        assert!(calls > 0, "no call was answered meanwhile");
        let over = Instant::now();
        while program.memory() > before + NOISE {
            let memory = program.memory();
            // The allocator gives memory back a while after it was freed, as calls go on.
            assert!(over.elapsed() < TIMEOUT, "{before} KiB, then {memory}");
            call(&http, &grpc).await;
        }
        eprintln!("memory came back within {:?}", over.elapsed());
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_until_another_closes() {
    const ASK: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    const OK: &str = r#"{"status":"ok"}"#;
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let program = Program::serve(&store, &["--max-connections", "2"]);
    let mut first = Raw::begin(&program.url, ASK).await;
    let mut second = Raw::begin(&program.url, ASK).await;
    first.read_until(OK).await;
    second.read_until(OK).await;
    let mut third = Raw::begin(&program.url, ASK).await;
    third.stays_silent(Duration::from_millis(300)).await;
    drop(first);
    third.read_until(OK).await;
    second.send(ASK).await;
    second.read_until(OK).await;
}
