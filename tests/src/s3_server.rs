//! An object store that speaks S3, in this process, over a folder: for what keeps output there.

use std::{fmt, net::SocketAddr, path::Path, sync::Arc};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use object_store::aws::AmazonS3Builder;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::{JoinHandle, JoinSet},
};

const KEY: &str = "spiderqtests";
const SECRET: &str = "a secret of the tests";

/// A running server with one bucket. Ends when dropped; its folder is removed with it.
pub struct S3Server {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    address: SocketAddr,
    folder: TempDir,
    /// It looks at the condition of a write, and then writes: no other one may come between, as in
    /// S3.
    writes: Arc<Mutex<()>>,
    task: JoinHandle<()>,
}

impl S3Server {
    /// Its bucket.
    pub const BUCKET: &str = "jobs";

    /// Starts one on a free port.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(Self::BUCKET)).expect("a bucket");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let writes = Arc::default();
        let task = tokio::spawn(serve(listener, folder.path().into(), Arc::clone(&writes)));
        Self { endpoint: format!("http://{address}"), address, folder, writes, task }
    }

    /// Ends it with all its connections. Of a write, the answer may be lost; as in S3 all of the
    /// object is there, or nothing.
    pub async fn kill(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
        // Until a write that had begun is done.
        drop(self.writes.lock().await);
    }

    /// Starts it again, where it was.
    pub async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the same port");
        let (folder, writes) = (self.folder.path().into(), Arc::clone(&self.writes));
        self.task = tokio::spawn(serve(listener, folder, writes));
    }

    /// What its objects are kept in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How a client in this process reaches it.
    #[must_use]
    pub fn client(&self) -> AmazonS3Builder {
        AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_access_key_id(KEY)
            .with_secret_access_key(SECRET)
            .with_bucket_name(Self::BUCKET)
    }

    /// The environment in which a program reaches it.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ]
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for S3Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Server").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

async fn serve(listener: TcpListener, folder: Arc<Path>, writes: Arc<Mutex<()>>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else { return };
        connections.spawn(connection(socket, Arc::clone(&folder), Arc::clone(&writes)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(socket: TcpStream, folder: Arc<Path>, writes: Arc<Mutex<()>>) {
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder).expect("a folder"));
    service.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = service.build();
    let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
        let (service, writes) = (service.clone(), Arc::clone(&writes));
        async move {
            if *request.method() != hyper::Method::PUT {
                return hyper::service::Service::call(&service, request).await;
            }
            // A task of its own, which goes on without its connection.
            let write = tokio::spawn(async move {
                let _turn = writes.lock_owned().await;
                hyper::service::Service::call(&service, request).await
            });
            write.await.expect("a write")
        }
    });
    // An error is that of a client that went away.
    let _ =
        Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
}
