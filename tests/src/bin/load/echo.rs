//! The bare tonic server that ours is held against: it answers the same messages and does
//! nothing for them. A process of its own, so that its CPU time can be told apart.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use spiderq_proto::v1::{
    AddedJob, PushJobsRequest, PushJobsResponse, PushedJob,
    job_queue_service_server::{JobQueueService, JobQueueServiceServer},
    pushed_job,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

use crate::Target;

struct Echo;

#[tonic::async_trait]
impl JobQueueService for Echo {
    async fn push_jobs(
        &self,
        request: Request<PushJobsRequest>,
    ) -> Result<Response<PushJobsResponse>, Status> {
        let jobs = request.into_inner().jobs.into_iter();
        let added = AddedJob { key: "1/1/100000".to_owned(), token: String::new() };
        let results =
            jobs.map(|_| PushedJob { result: Some(pushed_job::Result::Added(added.clone())) });
        Ok(Response::new(PushJobsResponse { results: results.collect() }))
    }
}

/// Serves until killed; its first line of output is its address.
pub(crate) async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    Server::builder()
        .tcp_nodelay(true)
        .add_service(JobQueueServiceServer::new(Echo))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await
        .expect("a server");
}

/// The same as a child process; killed when dropped.
pub(crate) struct EchoServer {
    child: Child,
    url: String,
}

impl EchoServer {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(env::current_exe().expect("a path"))
            .arg("echo-server")
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let url = format!("http://{}", line.trim());
        Self { child, url }
    }

    pub(crate) fn target(&self) -> Target {
        Target::bare("echo", &self.url, "none", Some(self.child.id()))
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
