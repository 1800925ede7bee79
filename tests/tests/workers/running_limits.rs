//! Many workers under a limit of running units: the limit holds while workers die, and the store
//! is consistent afterwards.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use futures::future::join_all;
use spiderq_proto::v1::{
    HeartbeatRequest, JobState, JobUpdate, NewJob, ProjectSummary, PushJobsRequest,
    StartJobRequest, StartJobResponse, SummarizeProjectsRequest, UpdateProjectSettingsRequest,
    UpdateQueueRequest,
};
use spiderq_tests::{Grpc, Stack, job_of, span, update_error, update_of};

use crate::on_each_store;

const PROJECT: i64 = 7;
const STARTERS: u64 = 64;
const JOBS: u64 = 150;
const CAP: i64 = 20;

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

async fn prepare(grpc: &Grpc) {
    let setting = |name: &str, value: i64| (name.to_owned(), value.to_string());
    let request = UpdateProjectSettingsRequest {
        project: PROJECT,
        settings_json: [setting("max_running_units", CAP), setting("max_attempts", 1000)].into(),
        ..Default::default()
    };
    grpc.projects().update_project_settings(request).await.unwrap();
    let mut numbers = Numbers(1);
    let job = |_| {
        let spider = format!("s{}", numbers.below(5));
        NewJob { units: Some(1 + numbers.below(6) as i32), ..job_of(&spider) }
    };
    let request = PushJobsRequest {
        project: PROJECT,
        jobs: (0..JOBS).map(job).collect(),
        request_id: String::new(),
    };
    grpc.queue().push_jobs(request).await.unwrap();
}

async fn summary(grpc: &Grpc) -> ProjectSummary {
    let request = SummarizeProjectsRequest { projects: vec![PROJECT], ..Default::default() };
    let answer = grpc.projects().summarize_projects(request).await.unwrap();
    answer.into_inner().summaries.remove(0)
}

/// Takes jobs until all are done; one in four of its workers dies with its job.
async fn starter(grpc: &Grpc, seed: u64, done: &AtomicU64) {
    let mut numbers = Numbers(seed);
    while done.load(Ordering::SeqCst) < JOBS {
        let request = StartJobRequest {
            project: PROJECT,
            lease: span(1_000),
            wait: span(500),
            ..StartJobRequest::default()
        };
        let started = grpc.queue().start_job(request).await.unwrap().into_inner();
        if started.job.is_none() || numbers.below(4) == 0 {
            continue;
        }
        if work(grpc, started, numbers.below(4)).await {
            done.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Sends so many heartbeats and finishes the job; whether it still held it.
async fn work(grpc: &Grpc, started: StartJobResponse, beats: u64) -> bool {
    let key = started.job.unwrap().key;
    for _ in 0..beats {
        let request = HeartbeatRequest {
            key: key.clone(),
            fence: started.fence.clone(),
            lease: span(1_000),
            counters: None,
        };
        if grpc.queue().heartbeat(request).await.is_err() {
            return false;
        }
    }
    let (state, fence) = (JobState::Finished.into(), started.fence);
    let update = JobUpdate { state, fence, ..update_of(key) };
    let request = UpdateQueueRequest { updates: vec![update], ..Default::default() };
    let answer = grpc.queue().update_queue(request).await.unwrap().into_inner();
    update_error(&answer.results[0]).is_none()
}

#[tokio::test]
async fn running_units_never_exceed_the_limit_while_workers_die() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        prepare(&grpc).await;
        let over = Arc::new(AtomicBool::new(false));
        let sampling = tokio::spawn(sample(stack.grpc(), Arc::clone(&over)));
        let done = AtomicU64::new(0);
        join_all((0..STARTERS).map(|seed| starter(&grpc, seed + 7, &done))).await;
        over.store(true, Ordering::SeqCst);
        let highest = sampling.await.unwrap();
        assert!(highest <= CAP, "{highest} units ran at a time");
        assert!(highest > CAP - 6, "the cap was never near: {highest}");
        let last = summary(&grpc).await;
        let (pending, running, finished) = (last.pending, last.running, last.finished);
        assert_eq!((pending, running, finished), (0, 0, JOBS.cast_signed()));
        assert_eq!((last.running_units, last.pending_units_max), (0, Some(CAP)));
        assert!(last.has_capacity);
        drop(grpc);
        let clean = format!("1 projects, {JOBS} jobs: no findings\n");
        assert_eq!(stack.fsck().await, (Some(0), clean));
    })
    .await;
}

/// The most units seen running at a time.
async fn sample(grpc: Grpc, over: Arc<AtomicBool>) -> i64 {
    let mut highest = 0;
    while !over.load(Ordering::SeqCst) {
        let now = summary(&grpc).await;
        assert_eq!(now.has_capacity, now.running_units < CAP);
        assert_eq!(now.pending_units_max, Some(CAP - now.running_units));
        highest = highest.max(now.running_units);
    }
    highest
}
