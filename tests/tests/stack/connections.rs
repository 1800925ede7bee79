//! Hostile and silent connections, against the real program with its own limits.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rustix::process::{Resource, getrlimit, setrlimit};
use spiderq_proto::v1::CountJobsRequest;
use spiderq_tests::{
    Grpc, Http, MAGIC, Program, Raw, SETTINGS, Stack, TIMEOUT, eventually, sqlite_url,
};
use tempfile::TempDir;

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
    let program = Program::serve(&store, &["--max-connections-per-address", "10000"]);
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

const ASK: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
const OK: &str = r#"{"status":"ok"}"#;

fn serve(flags: &[&str]) -> (TempDir, Program) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&sqlite_url(folder.path()), flags);
    (folder, program)
}

/// A request without a body, with the admin key.
fn with_key(request: &str) -> Vec<u8> {
    let key = Stack::KEY;
    format!("{request} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n").into()
}

async fn asks(raw: &mut Raw) {
    raw.send(ASK).await;
    raw.read_until(OK).await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_while_all_have_requests() {
    let (_folder, program) = serve(&["--max-connections", "2"]);
    // Continues once the server reads the body: the request is under way then.
    let head = "POST /jobq/1/push HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9";
    let push = format!("{head}\r\nauthorization: Bearer {}\r\n\r\n", Stack::KEY);
    let mut first = Raw::begin(&program.url, push.as_bytes()).await;
    let mut second = Raw::begin(&program.url, push.as_bytes()).await;
    first.read_until("100 Continue").await;
    second.read_until("100 Continue").await;
    let mut third = Raw::begin(&program.url, ASK).await;
    third.stays_silent(Duration::from_millis(300)).await;
    drop(first);
    third.read_until(OK).await;
}

#[tokio::test]
async fn when_full_the_longest_idle_without_a_key_goes_first() {
    let (_folder, program) = serve(&["--max-connections", "3"]);
    let url = &program.url;
    let mut keyed = Raw::begin(url, &with_key("GET /jobq/1/count")).await;
    keyed.read_until("\r\n\r\n0").await;
    let mut older = Raw::begin(url, ASK).await;
    older.read_until(OK).await;
    let mut newer = Raw::begin(url, ASK).await;
    newer.read_until(OK).await;
    let mut fourth = Raw::begin(url, ASK).await;
    fourth.read_until(OK).await;
    assert_eq!(older.read_to_end().await, b"");
    asks(&mut newer).await;
    // Now the fourth is idle for longer.
    let mut fifth = Raw::begin(url, ASK).await;
    fifth.read_until(OK).await;
    assert_eq!(fourth.read_to_end().await, b"");
    asks(&mut newer).await;
    asks(&mut keyed).await;
}

#[tokio::test]
async fn an_address_that_takes_all_it_can_leaves_room_for_others() {
    let (_folder, program) = serve(&["--max-connections-per-address", "20"]);
    let opening = [MAGIC, SETTINGS].concat();
    let begin = (0..100).map(|_| Raw::begin_from(2, &program.url, &opening));
    let mut attackers = join_all(begin).await;
    // The rest is closed at once. (A frame of SETTINGS comes over those that are let in.)
    let mut closed = Vec::new();
    for raw in attackers.split_off(20) {
        let mut raw = raw;
        closed.push(raw.read_to_end().await);
    }
    assert!(closed.iter().all(Vec::is_empty));
    for raw in &mut attackers {
        raw.frame().await;
    }
    let mut other = Raw::begin(&program.url, ASK).await;
    other.read_until(OK).await;
    drop(attackers);
    // Their places are free again.
    eventually("no place of the address came free", async || {
        let mut raw = Raw::begin_from(2, &program.url, &opening).await;
        raw.try_frame().await
    })
    .await;
}

/// The attack on a server's last connection, in small: more of them than there is room for, from
/// many addresses, none with a key.
#[tokio::test]
async fn a_full_server_still_takes_a_client_with_a_key() {
    let (_folder, program) = serve(&["--max-connections", "50"]);
    let opening = [MAGIC, SETTINGS].concat();
    let mut attackers = Vec::new();
    for number in 0..100 {
        let host = 2 + u8::try_from(number / 10).unwrap();
        attackers.push(Raw::begin_from(host, &program.url, &opening).await);
    }
    let http = Http::new(&program.url).basic(Stack::KEY, "");
    assert_eq!(http.get("/jobq/1/count").await.ok().json(), 0);
}
