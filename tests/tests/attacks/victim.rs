//! The server that is attacked, within a limit of memory, and the well-behaved client beside the
//! attack, in a thread with a runtime of its own.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use spiderq_proto::v1::CountJobsRequest;
use spiderq_tests::{Grpc, Http, Program, Stack, StoreKind, redis_server::RedisServer, sqlite_url};
use tempfile::TempDir;
use tokio::{
    runtime::Builder,
    time::{MissedTickBehavior, interval},
};

/// What the server may use: address space (RLIMIT_AS), KiB.
const ADDRESS_SPACE: u64 = 512 << 10;
/// How far above its idle size resident memory may go at any moment, KiB.
const MAX_GROWTH: u64 = 256 << 10;
/// Between two rounds of the well-behaved client.
const PERIOD: Duration = Duration::from_millis(5);

/// How long an attack goes on: a second, or what `SPIDERQ_ATTACK_SECONDS` says.
pub(crate) fn attack_time() -> Duration {
    let seconds = env::var("SPIDERQ_ATTACK_SECONDS").ok();
    Duration::from_secs(seconds.map_or(1, |text| text.parse().expect("seconds")))
}

/// A running server. Killed when dropped.
pub(crate) struct Victim {
    program: Program,
    /// Resident memory before any attack, KiB.
    idle: u64,
    // What it stores is removed after it has ended.
    _folder: TempDir,
    _redis: Option<RedisServer>,
}

/// What an attack did.
#[derive(Debug)]
pub(crate) struct Report {
    name: &'static str,
    /// The most that resident memory was above its idle size so far, KiB.
    growth: u64,
    /// Times of the well-behaved client's calls, sorted.
    times: Vec<Duration>,
}

impl Victim {
    /// A server with these flags on `kind`, warm.
    pub(crate) async fn start(kind: StoreKind, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = (kind == StoreKind::Redis).then(|| RedisServer::start(&[]));
        let store = redis.as_ref().map_or_else(|| sqlite_url(folder.path()), RedisServer::url);
        let program = Program::serve_within(ADDRESS_SPACE, &store, flags);
        let client = Client::new(&program.url);
        for _ in 0..100 {
            client.round(&mut Vec::new()).await;
        }
        Self { idle: program.memory(), program, _folder: folder, _redis: redis }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.program.url
    }

    /// Runs `attack` to its end with the well-behaved client beside it. Any error that the client
    /// meets ends the test.
    pub(crate) async fn under<T>(
        &self,
        name: &'static str,
        attack: impl Future<Output = T>,
    ) -> (T, Report) {
        let over = Arc::new(AtomicBool::new(false));
        let client = behave(self.url().to_owned(), Arc::clone(&over));
        let result = attack.await;
        over.store(true, Ordering::Relaxed);
        let joined = tokio::task::spawn_blocking(|| client.join()).await.unwrap();
        let mut times = joined.expect("no error of the well-behaved client");
        times.sort_unstable();
        let growth = self.program.peak_memory().saturating_sub(self.idle);
        let report = Report { name, growth, times };
        report.print();
        (result, report)
    }
}

impl Report {
    /// Asserts that memory stayed within its bound and that the client was served meanwhile.
    pub(crate) fn assert_unharmed(&self) {
        assert!(self.growth <= MAX_GROWTH, "{}: {} KiB", self.name, self.growth);
        assert!(!self.times.is_empty(), "{}: no call was answered meanwhile", self.name);
    }

    fn print(&self) {
        let at = |percent: usize| {
            let last = self.times.len().saturating_sub(1);
            self.times.get(last * percent / 100).copied().unwrap_or_default()
        };
        eprintln!(
            "{}: {} MiB above idle; {} calls beside it, p50 {:?}, p99 {:?}, longest {:?}",
            self.name,
            self.growth >> 10,
            self.times.len(),
            at(50),
            at(99),
            at(100),
        );
    }
}

/// Calls over connections that it keeps, HTTP/1.1 and gRPC, and over a new one each round.
struct Client {
    url: String,
    http: Http,
    grpc: Grpc,
}

impl Client {
    fn new(url: &str) -> Self {
        let http = Http::new(url).basic(Stack::KEY, "");
        Self { url: url.to_owned(), http, grpc: Grpc::new(url, Stack::KEY) }
    }

    async fn round(&self, times: &mut Vec<Duration>) {
        let begun = Instant::now();
        assert_eq!(self.http.get("/jobq/1/count").await.ok().json(), 0);
        times.push(begun.elapsed());
        let begun = Instant::now();
        let request = CountJobsRequest { project: 1, filter: None };
        let answer = self.grpc.jobs().count_jobs(request).await;
        assert_eq!(answer.expect("a count").into_inner().count, 0);
        times.push(begun.elapsed());
        let begun = Instant::now();
        Http::new(&self.url).get("/healthz").await.ok();
        times.push(begun.elapsed());
    }
}

/// Calls until `over`; the times that the calls took.
fn behave(url: String, over: Arc<AtomicBool>) -> JoinHandle<Vec<Duration>> {
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = Client::new(&url);
            let mut times = Vec::new();
            let mut rounds = interval(PERIOD);
            rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                rounds.tick().await;
                client.round(&mut times).await;
                if over.load(Ordering::Relaxed) {
                    break times;
                }
            }
        })
    })
}
