//! A worker for tests to kill and pause: it starts one job and sends heartbeats until one is
//! refused; then it tries to write all the same. It prints what it does, a line each:
//!
//! `started KEY LEASE_END`, `beat LEASE_END`, and in the end
//! `heartbeat|finish|metadata|field CODE REASON`.
//!
//! `worker URL KEY PROJECT LEASE_MS`
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "its output is what it is for, and a worker that cannot work is to be seen"
)]

use std::{
    io::{self, Write as _},
    time::Duration,
};

use spiderq_proto::v1::{
    DeleteJobMetadataRequest, HeartbeatRequest, JobState, JobUpdate, SetJobMetadataRequest,
    StartJobRequest, UpdateQueueRequest,
};
use spiderq_tests::{Grpc, item_error, ms, span, update_error, update_of};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

fn say(line: &str) {
    println!("{line}");
    io::stdout().flush().expect("somebody who reads");
}

/// The line that is printed for the outcome of a call.
fn outcome(what: &str, status: &Status) -> String {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    format!("{what} {:?} {}", status.code(), reason.unwrap_or_default())
}

struct Worker {
    grpc: Grpc,
    project: i64,
    lease_ms: i64,
    key: String,
    fence: String,
}

impl Worker {
    /// Makes a call again that a pause broke off: it may have cost the connection, or the time
    /// that the server gives a request to arrive.
    async fn insist<T>(&self, call: impl AsyncFn() -> Result<T, Status>) -> Result<T, Status> {
        for _ in 0..50 {
            match call().await {
                Err(status)
                    if matches!(
                        status.code(),
                        Code::Unavailable | Code::Unknown | Code::DeadlineExceeded
                    ) => {}
                done => return done,
            }
        }
        call().await
    }

    async fn start(&mut self) {
        let request = StartJobRequest {
            project: self.project,
            lease: span(self.lease_ms),
            wait: span(60_000),
            ..StartJobRequest::default()
        };
        let started = self.grpc.queue().start_job(request).await;
        let started = started.expect("an answer").into_inner();
        self.key = started.job.expect("a job").key;
        self.fence = started.fence;
        say(&format!("started {} {}", self.key, ms(started.lease_expire_time)));
    }

    /// Sends heartbeats until one is refused.
    async fn beat(&self) -> Status {
        let third = u64::try_from(self.lease_ms / 3).expect("a length");
        let mut beats = tokio::time::interval(Duration::from_millis(third));
        loop {
            beats.tick().await;
            let beat = async || {
                let request = HeartbeatRequest {
                    key: self.key.clone(),
                    fence: self.fence.clone(),
                    lease: span(self.lease_ms),
                    counters: None,
                };
                self.grpc.queue().heartbeat(request).await
            };
            match self.insist(beat).await {
                Ok(answer) => {
                    say(&format!("beat {}", ms(answer.into_inner().lease_expire_time)));
                }
                Err(status) => return status,
            }
        }
    }

    async fn finish(&self) -> String {
        let finish = async || {
            let update = JobUpdate {
                state: JobState::Finished.into(),
                close_reason: Some("stale".to_owned()),
                fence: self.fence.clone(),
                ..update_of(&self.key)
            };
            let request = UpdateQueueRequest { updates: vec![update], ..Default::default() };
            self.grpc.queue().update_queue(request).await
        };
        let answer = self.insist(finish).await.expect("an answer").into_inner();
        let error = answer.results.first().and_then(update_error);
        error.map_or("finish done".to_owned(), |error| {
            let (code, reason, _) = item_error(&error);
            format!("finish {code:?} {reason}")
        })
    }

    async fn metadata(&self) -> String {
        let set = async || {
            let request = SetJobMetadataRequest {
                key: self.key.clone(),
                metadata_json: [("stale".to_owned(), "true".to_owned())].into(),
                fence: self.fence.clone(),
                ..SetJobMetadataRequest::default()
            };
            self.grpc.jobs().set_job_metadata(request).await
        };
        let done = self.insist(set).await;
        done.map_or_else(|status| outcome("metadata", &status), |_| "metadata done".to_owned())
    }

    async fn field(&self) -> String {
        let delete = async || {
            let request = DeleteJobMetadataRequest {
                key: self.key.clone(),
                field: "mark".to_owned(),
                fence: self.fence.clone(),
                ..DeleteJobMetadataRequest::default()
            };
            self.grpc.jobs().delete_job_metadata(request).await
        };
        let done = self.insist(delete).await;
        done.map_or_else(|status| outcome("field", &status), |_| "field done".to_owned())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, key, project, lease_ms] = <[String; 4]>::try_from(arguments).expect("4 arguments");
    let mut worker = Worker {
        grpc: Grpc::new(&url, &key),
        project: project.parse().expect("a project"),
        lease_ms: lease_ms.parse().expect("a lease"),
        key: String::new(),
        fence: String::new(),
    };
    worker.start().await;
    let lost = worker.beat().await;
    say(&outcome("heartbeat", &lost));
    say(&worker.finish().await);
    say(&worker.metadata().await);
    say(&worker.field().await);
}
