//! Readers that pause while they read a list. The services are called without a network, and the
//! time of timeouts is paused, so that a pause takes none.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, StreamExt as _};
use spiderq_core::{SystemClock, store::Store};
use spiderq_proto::v1::{
    CountJobsRequest, JobFilter, JobState, ListQueueRequest, NewJob, PushJobsRequest,
    job_queue_service_server::JobQueueService as _, job_service_server::JobService as _,
};
use spiderq_server::{
    ServiceOptions,
    store_url::{self, StoreUrl},
};
use spiderq_service::{JobApi, Service};
use spiderq_tests::{Stack, StoreKind, job_of, redis_server::RedisServer, sqlite_url};
use tokio::runtime::Handle;
use tonic::Request;

use crate::on_each_store;

/// Longer than a store may take for a call.
const PAUSE: Duration = Duration::from_secs(6);
/// As many as a store reads at a time.
const PAGE: usize = 100;
const PAGES: usize = 3;

fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", Stack::KEY).parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}

async fn service(store: Arc<dyn Store>) -> Service {
    let options = ServiceOptions { admin_key: Some(Stack::KEY.to_owned()), ..Default::default() };
    Service::open(store, Arc::new(SystemClock), &options).await.unwrap()
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until there are so many tasks again. A command that was sent to the store before has
/// its answer then.
async fn settle(jobs: &JobApi, idle: usize) {
    loop {
        let count = CountJobsRequest { project: 1, ..Default::default() };
        jobs.count_jobs(request(count)).await.unwrap();
        if tasks() <= idle {
            return;
        }
    }
}

#[tokio::test]
async fn a_reader_that_pauses_gets_the_whole_list() {
    on_each_store(async |kind| {
        let folder = tempfile::tempdir().unwrap();
        let redis = (kind == StoreKind::Redis).then(|| RedisServer::start(&[]));
        let url = redis.as_ref().map_or_else(|| sqlite_url(folder.path()), RedisServer::url);
        let store = store_url::open(&StoreUrl::parse(&url).unwrap()).await.unwrap();
        let service = service(store).await;
        let (jobs, queue) = (service.jobs(), service.queue());
        let state = JobState::Finished.into();
        let new = vec![NewJob { state, ..job_of("s") }; PAGES * PAGE];
        let push = PushJobsRequest { project: 1, jobs: new, ..Default::default() };
        queue.push_jobs(request(push)).await.unwrap();
        let filter = Some(JobFilter { states: vec![state], ..Default::default() });
        let list = ListQueueRequest { project: 1, filter, ..Default::default() };
        let mut rows = queue.list_queue(request(list)).await.unwrap().into_inner();

        // A blocking task keeps paused time where it is while the test waits for the store.
        let (resume, hold) = std::sync::mpsc::channel::<()>();
        let held = tokio::task::spawn_blocking(move || hold.recv());
        tokio::time::pause();
        let mut numbers = Vec::new();
        for _ in 1..=PAGES {
            for _ in 0..PAGE {
                let row = rows.next().await.unwrap().unwrap();
                numbers.push(row.job.unwrap().position);
            }
            // The reader has asked for more, and then takes nothing for a while.
            let idle = tasks();
            let more = rows.next().now_or_never();
            settle(&jobs, idle).await;
            tokio::time::advance(PAUSE).await;
            if let Some(Some(row)) = more {
                panic!("a row of a page that was not read yet: {row:?}");
            }
        }
        assert!(rows.next().await.is_none());
        assert!(numbers.is_sorted_by(|one, other| one > other));
        tokio::time::resume();
        drop(resume);
        held.await.unwrap().unwrap_err();
    })
    .await;
}
