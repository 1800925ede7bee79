//! Services that misbehave, for tests: they wait for ever, panic, or never stop answering.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{Stream, StreamExt as _, stream};
use spiderq_proto::v1::{
    CountJobsRequest, CountJobsResponse, GetJobRequest, GetJobResponse, Job, ListQueueRequest,
    ListQueueResponse,
    job_queue_service_server::{JobQueueService, JobQueueServiceServer},
    job_service_server::{JobService, JobServiceServer},
};
use tokio::sync::Notify;
use tonic::{Request, Response, Status, service::Routes};

/// A list that gives a row and then nothing more.
pub(crate) const STUCK: i64 = 1;
/// A list that panics when it is read.
pub(crate) const BROKEN: i64 = 2;
/// A list without end.
pub(crate) const ENDLESS: i64 = 3;

#[derive(Clone, Default)]
pub(crate) struct TestServices {
    /// A call that waits has begun.
    pub(crate) begun: Arc<Notify>,
    /// … and was dropped.
    pub(crate) dropped: Arc<Notify>,
    /// Rows of [`ENDLESS`] that were taken.
    pub(crate) rows: Arc<AtomicUsize>,
}

impl TestServices {
    pub(crate) fn routes(&self) -> Routes {
        let mut routes = Routes::builder();
        routes
            .add_service(JobServiceServer::new(self.clone()))
            .add_service(JobQueueServiceServer::new(self.clone()));
        routes.routes().prepare()
    }

    /// Waits for ever; tells when it begins and when it is dropped.
    async fn wait<T>(self) -> T {
        struct Waiting(Arc<Notify>);
        impl Drop for Waiting {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        let _waiting = Waiting(self.dropped);
        self.begun.notify_one();
        std::future::pending().await
    }
}

/// A row of about a KiB.
fn row() -> ListQueueResponse {
    ListQueueResponse {
        job: Some(Job { key: "1/1/1".to_owned(), spider: "s".repeat(1000), ..Job::default() }),
        elapsed: 0,
    }
}

#[tonic::async_trait]
impl JobService for TestServices {
    async fn count_jobs(
        &self,
        _: Request<CountJobsRequest>,
    ) -> Result<Response<CountJobsResponse>, Status> {
        self.clone().wait().await
    }

    async fn get_job(&self, _: Request<GetJobRequest>) -> Result<Response<GetJobResponse>, Status> {
        panic!("a bug of the fake")
    }
}

type Rows = Pin<Box<dyn Stream<Item = Result<ListQueueResponse, Status>> + Send>>;

#[tonic::async_trait]
impl JobQueueService for TestServices {
    async fn list_queue(
        &self,
        request: Request<ListQueueRequest>,
    ) -> Result<Response<Rows>, Status> {
        let first = stream::iter([Ok(row())]);
        let fake = self.clone();
        let rows: Rows = match request.into_inner().project {
            STUCK => first.chain(stream::once(fake.wait())).boxed(),
            BROKEN => stream::once(async { panic!("a bug of the fake") }).boxed(),
            ENDLESS => stream::repeat_with(move || {
                fake.rows.fetch_add(1, Ordering::Relaxed);
                Ok(row())
            })
            .boxed(),
            other => panic!("{other}"),
        };
        Ok(Response::new(rows))
    }
}
