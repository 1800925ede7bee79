//! Services that misbehave, for tests: calls that wait for ever or panic, lists without end.

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

/// The project whose list gives one row and then waits for ever.
pub(crate) const STUCK: i64 = 1;
/// The project whose list panics when it is read.
pub(crate) const PANICKING: i64 = 2;
/// The project whose list has no end.
pub(crate) const ENDLESS: i64 = 3;

#[derive(Clone, Default)]
pub(crate) struct TestServices {
    /// Notified when a call that waits for ever has begun …
    pub(crate) begun: Arc<Notify>,
    /// … and when it was dropped.
    pub(crate) dropped: Arc<Notify>,
    /// Rows that were taken of [`ENDLESS`].
    pub(crate) rows: Arc<AtomicUsize>,
    /// Notified when [`ENDLESS`] was dropped.
    pub(crate) ended: Arc<Notify>,
}

impl TestServices {
    pub(crate) fn routes(&self) -> Routes {
        let mut routes = Routes::builder();
        routes
            .add_service(JobServiceServer::new(self.clone()))
            .add_service(JobQueueServiceServer::new(self.clone()));
        routes.routes().prepare()
    }

    /// Waits for ever.
    async fn wait<T>(self) -> T {
        let _waiting = NotifyOnDrop(self.dropped);
        self.begun.notify_one();
        std::future::pending().await
    }
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A row of about a KiB.
fn row() -> ListQueueResponse {
    ListQueueResponse {
        job: Some(Job { key: "1/1/1".to_owned(), spider_name: "s".repeat(1000), ..Job::default() }),
        elapsed: None,
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
        panic!("on purpose")
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
        let services = self.clone();
        let rows: Rows = match request.into_inner().project {
            STUCK => first.chain(stream::once(services.wait())).boxed(),
            PANICKING => stream::once(async { panic!("on purpose") }).boxed(),
            ENDLESS => {
                let list = NotifyOnDrop(Arc::clone(&services.ended));
                let row = move || {
                    let _list = &list;
                    services.rows.fetch_add(1, Ordering::Relaxed);
                    Ok(row())
                };
                stream::repeat_with(row).boxed()
            }
            other => panic!("{other}"),
        };
        Ok(Response::new(rows))
    }
}
