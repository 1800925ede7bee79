//! A whole server in this process, on a real port of the loopback interface, over SQLite or
//! Redis, on the machine's clock or one that the test sets.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use spiderq_core::{Clock, ManualClock, MemoryBudget, SystemClock, model::Millis};
use spiderq_output::{Files, Outputs};
use spiderq_proto::v1::{CreateApiKeyRequest, Role};
use spiderq_server::{
    Network, ServeOptions, Server, ServiceOptions,
    store_url::{self, StoreUrl},
};
use tempfile::TempDir;

use crate::{Grpc, Http, redis_server::RedisServer, run};

/// The store of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// The embedded one, in a temporary folder.
    Sqlite,
    /// A private Redis server.
    Redis,
}

impl StoreKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Redis];
}

/// A stack's data, removed when it is dropped.
#[derive(Debug)]
struct StackData {
    store: Data,
    output: TempDir,
}

#[derive(Debug)]
enum Data {
    Folder(TempDir),
    Redis(RedisServer),
}

impl Data {
    fn new(kind: StoreKind) -> Self {
        match kind {
            StoreKind::Sqlite => Self::Folder(tempfile::tempdir().expect("a temporary folder")),
            StoreKind::Redis => Self::Redis(RedisServer::start(&[])),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Folder(folder) => sqlite_url(folder.path()),
            Self::Redis(server) => server.url(),
        }
    }
}

/// What `--store` takes for a SQLite file in `folder`.
#[must_use]
pub fn sqlite_url(folder: &Path) -> String {
    format!("sqlite:{}/spiderq.db", folder.display())
}

/// A running server. Ends when dropped, and its data with it.
pub struct Stack {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The admin key.
    pub key: String,
    clock: Option<Arc<ManualClock>>,
    /// Taken by tests that end it themselves. Before `data`, so that it is dropped before its
    /// store.
    pub running: Option<Server>,
    data: Arc<StackData>,
}

impl Stack {
    /// The admin key of every stack.
    pub const KEY: &str = "0123456789abcdef0123456789abcdef";

    /// Starts on the machine's clock.
    pub async fn start(kind: StoreKind) -> Self {
        Self::with(kind, None, ServiceOptions::default(), brief()).await
    }

    /// Starts with a bound on the memory of responses.
    pub async fn with_memory(kind: StoreKind, memory: MemoryBudget) -> Self {
        let options = ServiceOptions { memory, ..ServiceOptions::default() };
        Self::with(kind, None, options, brief()).await
    }

    /// Starts with this secret for job tokens, so that a test can sign its own.
    pub async fn signing_with(kind: StoreKind, secret: &str) -> Self {
        let token_secret = Some(secret.to_owned());
        let options = ServiceOptions { token_secret, ..ServiceOptions::default() };
        Self::with(kind, None, options, brief()).await
    }

    /// Starts with settings of its own for the network, on SQLite.
    pub async fn on(network: Network) -> Self {
        Self::with(StoreKind::Sqlite, None, ServiceOptions::default(), network).await
    }

    /// The same with options of the service.
    pub async fn on_with(network: Network, options: ServiceOptions) -> Self {
        Self::with(StoreKind::Sqlite, None, options, network).await
    }

    /// Starts on a clock that stands at `now` (ms since the epoch) until it is set.
    pub async fn at(kind: StoreKind, now: u64) -> Self {
        let clock = Arc::new(ManualClock::at(Millis(now)));
        Self::with(kind, Some(clock), ServiceOptions::default(), brief()).await
    }

    async fn with(
        kind: StoreKind,
        manual: Option<Arc<ManualClock>>,
        options: ServiceOptions,
        network: Network,
    ) -> Self {
        let output = tempfile::tempdir().expect("a temporary folder");
        let data = Arc::new(StackData { store: Data::new(kind), output });
        Self::over(data, manual, options, network).await
    }

    /// Another server over the same Redis, with the same clock.
    pub async fn another(&self) -> Self {
        let (data, clock) = (Arc::clone(&self.data), self.clock.clone());
        Self::over(data, clock, ServiceOptions::default(), brief()).await
    }

    async fn over(
        data: Arc<StackData>,
        manual: Option<Arc<ManualClock>>,
        options: ServiceOptions,
        network: Network,
    ) -> Self {
        let url = StoreUrl::parse(&data.store.url()).expect("a store URL");
        let clock: Arc<dyn Clock> = match &manual {
            Some(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            None => Arc::new(SystemClock),
        };
        let store = store_url::open(&url).await.expect("an open store");
        let output = Some(Outputs::new(Arc::new(Files::new(data.output.path()))));
        let running = spiderq_server::start(ServeOptions {
            memory: options.memory.clone(),
            service: ServiceOptions { admin_key: Some(Self::KEY.to_owned()), output, ..options },
            network,
            ..ServeOptions::new(store, clock)
        })
        .await
        .expect("a running service");
        Self {
            url: running.url.clone(),
            key: Self::KEY.to_owned(),
            clock: manual,
            running: Some(running),
            data,
        }
    }

    /// Ends it and runs `spiderq fsck` on its store; the exit code and the output.
    pub async fn fsck(mut self) -> (Option<i32>, String) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
        let url = self.data.store.url();
        let output = format!("file:{}", self.data.output.path().display());
        let check = move || run(&["fsck", "--store", &url, "--output", &output]);
        let done = tokio::task::spawn_blocking(check).await;
        let (status, said, _) = done.expect("a check to its end");
        (status.code(), said)
    }

    /// Its store, of a stack on Redis.
    #[must_use]
    pub fn redis(&self) -> &RedisServer {
        match &self.data.store {
            Data::Redis(server) => server,
            Data::Folder(_) => panic!("a stack on SQLite"),
        }
    }

    /// Moves a manual clock.
    pub fn set_time(&self, now: u64) {
        let clock = self.clock.as_ref();
        clock.expect("a manual clock").set(Millis(now));
    }

    /// An HTTP client with the admin key.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(&self.url).basic(&self.key, "")
    }

    /// A gRPC client with the admin key.
    #[must_use]
    pub fn grpc(&self) -> Grpc {
        Grpc::new(&self.url, &self.key)
    }

    /// Creates an API key for `projects`, or for all if there are none.
    pub async fn create_key(&self, owner: &str, role: Role, projects: &[i64]) -> String {
        let request = CreateApiKeyRequest {
            owner: owner.to_owned(),
            role: role.into(),
            projects: projects.to_vec(),
            all_projects: projects.is_empty() && role != Role::Admin,
            ..CreateApiKeyRequest::default()
        };
        let answer = self.grpc().api_keys().create_api_key(request).await;
        answer.expect("a new key").into_inner().secret
    }
}

/// Tests that end a server leave no calls that it must wait for.
fn brief() -> Network {
    Network { drain: Duration::from_secs(1), ..Network::default() }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("url", &self.url).finish()
    }
}
