//! A network that loses responses: calls that are repeated under their request id are done once.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::{StreamExt as _, stream};
use spiderq_tests::{Http, Stack};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::on_each_store;

/// Calls, and how many of them are on their way at a time.
const CALLS: u64 = 1_000;
const CONCURRENT_CALLS: usize = 16;
/// Of 100 answers, how many are lost.
const LOST: u64 = 30;

/// A proxy that loses responses after the server has done its work.
struct Cutting {
    url: String,
    cut: Arc<AtomicU64>,
}

impl Cutting {
    async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").to_owned();
        let cut = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&cut);
        tokio::spawn(async move {
            let mut answers = 0;
            while let Ok((client, _)) = listener.accept().await {
                answers += 1;
                // Spread evenly, the same in each run.
                let lost = answers * 37 % 100 < LOST;
                if lost {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                tokio::spawn(pass(client, server.clone(), lost));
            }
        });
        Self { url, cut }
    }
}

/// Passes one request on, and its answer back unless that is lost. The client asks for the
/// connection to be closed after it: the answer has come when the server closes.
async fn pass(mut client: TcpStream, server: String, lost: bool) {
    let mut server = TcpStream::connect(server).await.unwrap();
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let forth = tokio::io::copy(&mut from_client, &mut to_server);
    let back = async {
        let mut answer = Vec::new();
        from_server.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "done by the server");
        if !lost {
            // A client that goes meanwhile asks again.
            let _ = to_client.write_all(&answer).await;
        }
    };
    tokio::select! {
        () = back => {}
        // The client does not end its side: only an error gets here.
        _ = forth => {}
    }
}

/// Schedules until there is an answer; the job, and how often it asked.
async fn schedule(http: &Http, number: u64) -> (String, u64) {
    let id = format!("call {number}");
    let form = format!("project=7&spider=s&number={number}");
    let headers = [
        ("idempotency-key", id.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("connection", "close"),
    ];
    for asked in 1..=100 {
        if let Some(answer) = http.try_send("/api/run.json", &headers, &form).await {
            let answer = answer.ok().json();
            assert_eq!(answer["status"], "ok");
            return (answer["jobid"].as_str().unwrap().to_owned(), asked);
        }
    }
    panic!("no answer to call {number}");
}

#[tokio::test]
async fn schedules_repeated_after_lost_responses_make_one_job_each() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let way = Cutting::before(&stack.url).await;
        let http = Http::new(&way.url).basic(&stack.key, "");
        let calls = stream::iter(0..CALLS).map(|number| schedule(&http, number));
        let done: Vec<(String, u64)> = calls.buffer_unordered(CONCURRENT_CALLS).collect().await;
        let cut = way.cut.load(Ordering::Relaxed);
        let asked: u64 = done.iter().map(|(_, asked)| asked).sum();
        assert_eq!(asked, CALLS + cut);
        assert!(cut * 100 / asked >= LOST - 1, "{cut} of {asked} were lost");
        let jobs: BTreeSet<String> = done.into_iter().map(|(job, _)| job).collect();
        assert_eq!(jobs.len() as u64, CALLS);
        let count = stack.http().get("/jobq/7/count?state=pending").await;
        assert_eq!(count.ok().json(), CALLS);
    })
    .await;
}
