//! An object store that speaks S3, in this process, over a folder: for what keeps output there.

use std::{fmt, path::Path, sync::Arc};

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
    task::JoinHandle,
};

const KEY: &str = "spiderqtests";
const SECRET: &str = "a secret of the tests";

/// A running server with one bucket. Ends when dropped; its folder is removed with it.
pub struct S3Server {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    folder: TempDir,
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
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(serve(listener, folder.path().to_owned().into()));
        Self { endpoint, folder, task }
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

async fn serve(listener: TcpListener, folder: Arc<Path>) {
    // It looks at the condition of a write, and then writes: no other one may come between, as in
    // S3.
    let writes = Arc::new(Mutex::new(()));
    loop {
        let Ok((socket, _)) = listener.accept().await else { return };
        tokio::spawn(connection(socket, Arc::clone(&folder), Arc::clone(&writes)));
    }
}

async fn connection(socket: TcpStream, folder: Arc<Path>, writes: Arc<Mutex<()>>) {
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder).expect("a folder"));
    service.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = service.build();
    let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
        let (service, writes) = (service.clone(), Arc::clone(&writes));
        async move {
            let _turn = match *request.method() == hyper::Method::PUT {
                true => Some(writes.lock().await),
                false => None,
            };
            hyper::service::Service::call(&service, request).await
        }
    });
    // An error is that of a client that went away.
    let _ =
        Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
}
