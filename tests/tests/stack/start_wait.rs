//! Starts that wait for a job: a push at any server wakes them, in the order of their calls.

use std::time::Duration;

use futures::future::join_all;
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use spiderq_proto::v1::{
    CountJobsRequest, JobState, NewJob, PushJobsRequest, StartJobRequest, StartJobResponse,
};
use spiderq_server::{Limits, Network};
use spiderq_tests::{Grpc, Stack, StoreKind, by_name, job_of, ms, span};
use tokio::{task::JoinHandle, time::Instant};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;

use crate::{connection_limits::http2, on_each_store};

const PROJECT: i64 = 53;
/// A waiter that gets no notification asks the store again after 15 s: whatever takes less was
/// notified.
const NOTIFIED: Duration = Duration::from_secs(15);

/// Waits so many ms.
pub(crate) fn wait(length: i64) -> StartJobRequest {
    StartJobRequest { project: PROJECT, wait: span(length), ..StartJobRequest::default() }
}

pub(crate) type Waiter = JoinHandle<Result<StartJobResponse, Status>>;

/// Begins a call, and gives the server time to get to where it waits.
pub(crate) async fn begin(grpc: &Grpc, request: StartJobRequest) -> Waiter {
    let mut queue = grpc.queue();
    let call = async move { Ok(queue.start_job(request).await?.into_inner()) };
    let waiter = tokio::spawn(call);
    for _ in 0..3 {
        let count = CountJobsRequest { project: PROJECT, ..CountJobsRequest::default() };
        grpc.jobs().count_jobs(count).await.unwrap();
    }
    waiter
}

pub(crate) async fn got(waiter: Waiter) -> String {
    let answer = waiter.await.unwrap().unwrap();
    answer.job.map(|job| job.key).unwrap_or_default()
}

pub(crate) async fn push(grpc: &Grpc, job: NewJob) {
    let request =
        PushJobsRequest { project: PROJECT, jobs: vec![job], ..PushJobsRequest::default() };
    grpc.queue().push_jobs(request).await.unwrap();
}

pub(crate) fn job(tags: &[&str], units: i32) -> NewJob {
    NewJob {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        units: Some(units),
        ..job_of("s")
    }
}

#[tokio::test]
async fn a_push_ends_a_wait() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        for number in 1..=20 {
            let begun = Instant::now();
            let waiter = begin(&grpc, wait(60_000)).await;
            push(&grpc, job(&["t"], 2)).await;
            let answer = waiter.await.unwrap().unwrap();
            assert!(begun.elapsed() < NOTIFIED, "{:?}", begun.elapsed());
            assert_eq!((answer.fence.len(), answer.token.is_empty()), (32, false));
            let job = answer.job.unwrap();
            assert_eq!((job.key, job.attempt), (format!("53/1/{number}"), 1));
            assert_eq!(ms(answer.lease_expire_time), ms(job.running_time) + 30_000);
            assert_eq!((job.units, job.tags), (2, vec!["t".to_owned()]));
            assert_eq!(job.state, i32::from(JobState::Running));
        }
    })
    .await;
}

#[tokio::test]
async fn a_push_at_one_server_ends_a_wait_at_another() {
    let one = Stack::start(StoreKind::Redis).await;
    let other = one.another().await;
    for number in 1..=20 {
        let begun = Instant::now();
        let waiter = begin(&one.grpc(), wait(60_000)).await;
        push(&other.grpc(), job(&[], 1)).await;
        assert_eq!(got(waiter).await, format!("53/1/{number}"));
        assert!(begun.elapsed() < NOTIFIED, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_wait_without_a_job_ends_after_its_length() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let begun = Instant::now();
        let answer = stack.grpc().queue().start_job(wait(300)).await.unwrap();
        assert_eq!(answer.into_inner(), StartJobResponse::default());
        assert!((Duration::from_millis(300)..NOTIFIED).contains(&begun.elapsed()));
    })
    .await;
}

#[tokio::test]
async fn a_wait_ends_half_a_second_before_the_callers_deadline() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let message = wait(60_000).encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let request =
            http::Request::post(format!("{}/spiderq.v1.JobQueueService/StartJob", stack.url))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("authorization", format!("Bearer {}", stack.key))
                .header("grpc-timeout", "5S")
                .body(Body::new(Full::from([&[0], &length[..], &message].concat())))
                .unwrap();
        let begun = Instant::now();
        // Over a connection that does not keep the deadline itself, as tonic's does: the
        // response must come in time, however late a busy machine delivers it.
        let answer = http2(&stack, request).await.into_body().collect().await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(4_500));
        assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
        let message = answer.to_bytes().split_off(5);
        assert_eq!(StartJobResponse::decode(message).unwrap(), StartJobResponse::default());
    })
    .await;
}

#[tokio::test]
async fn waiters_get_jobs_in_the_order_of_their_calls_and_cancelled_ones_get_none() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let mut waiters = Vec::new();
        for _ in 0..5 {
            waiters.push(begin(&grpc, wait(60_000)).await);
        }
        // The first waiter, and one between others.
        for gone in [0, 2] {
            waiters[gone].abort();
        }
        for number in 1..=3 {
            push(&grpc, job(&[], 1)).await;
            let next = [1, 3, 4][number - 1];
            let waiter =
                std::mem::replace(&mut waiters[next], tokio::spawn(std::future::pending()));
            assert_eq!(got(waiter).await, format!("53/1/{number}"));
        }
        // Later callers get jobs as before.
        let late = begin(&grpc, wait(60_000)).await;
        push(&grpc, job(&[], 1)).await;
        assert_eq!(got(late).await, "53/1/4");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_waiters_get_a_hundred_pushed_jobs() {
    on_each_store(async |kind| {
        let mut stacks = vec![Stack::start(kind).await];
        if kind == StoreKind::Redis {
            stacks.push(stacks[0].another().await);
        }
        let servers: Vec<Grpc> = stacks.iter().map(Stack::grpc).collect();
        let waits = (0..100).map(|number| {
            let grpc = servers[number % servers.len()].clone();
            tokio::spawn(async move {
                let begun = Instant::now();
                let key = got(begin(&grpc, wait(60_000)).await).await;
                assert!(begun.elapsed() < NOTIFIED, "{:?}", begun.elapsed());
                key
            })
        });
        let waits: Vec<_> = waits.collect();
        let pushes = (0..100).map(|number| {
            let grpc = servers[number / 50 % servers.len()].clone();
            tokio::spawn(async move { push(&grpc, job(&[], 1)).await })
        });
        for push in join_all(pushes.collect::<Vec<_>>()).await {
            push.unwrap();
        }
        let mut keys: Vec<String> = Vec::new();
        for key in join_all(waits).await {
            keys.push(key.unwrap());
        }
        keys.sort_by_key(|key| key["53/1/".len()..].parse::<u32>().unwrap());
        let expected: Vec<String> = (1..=100).map(|number| format!("53/1/{number}")).collect();
        assert_eq!(keys, expected);
    })
    .await;
}

#[tokio::test]
async fn a_waiter_gets_only_jobs_with_its_tags_units_and_spiders() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let tag = |tag: &str| vec![tag.to_owned()];
        let tagged = begin(&grpc, StartJobRequest { has_tags: tag("a"), ..wait(60_000) }).await;
        let untagged = StartJobRequest { lacks_tags: tag("a"), max_units: 2, ..wait(60_000) };
        let untagged = begin(&grpc, untagged).await;
        let spider = StartJobRequest { spiders: vec![by_name("other")], ..wait(60_000) };
        let spider = begin(&grpc, spider).await;
        push(&grpc, job(&["b"], 3)).await;
        push(&grpc, job(&["a", "b"], 3)).await;
        push(&grpc, job(&["b"], 2)).await;
        push(&grpc, NewJob { spider: Some(by_name("other")), ..job(&["a"], 6) }).await;
        assert_eq!(got(untagged).await, "53/1/3");
        // Two of them may have this one.
        let mut keys = [got(tagged).await, got(spider).await];
        keys.sort();
        assert_eq!(keys, ["53/1/2", "53/2/1"]);
        let left = stack.http().get("/jobq/53/list?state=pending").await.ok();
        assert_eq!(left.column("key"), ["53/1/1"]);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_wait_with_its_request_id_gets_the_same_job() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let request = |length| StartJobRequest { request_id: "once".to_owned(), ..wait(length) };
        // Nothing is kept of an answer without a job.
        let none = grpc.queue().start_job(request(1)).await.unwrap();
        assert_eq!(none.into_inner(), StartJobResponse::default());
        let waiter = begin(&grpc, request(60_000)).await;
        let twin = begin(&grpc, request(50_000)).await;
        push(&grpc, job(&[], 1)).await;
        push(&grpc, job(&[], 1)).await;
        let first = waiter.await.unwrap().unwrap();
        assert_eq!(first.job.as_ref().unwrap().key, "53/1/1");
        assert_eq!(twin.await.unwrap().unwrap(), first);
        for length in [0, 40_000] {
            let again = grpc.queue().start_job(request(length)).await.unwrap();
            assert_eq!(again.into_inner(), first);
        }
        for other in [
            StartJobRequest { max_units: 6, ..request(0) },
            StartJobRequest { has_tags: vec!["a".to_owned()], ..request(9) },
            StartJobRequest { lacks_tags: vec!["a".to_owned()], ..request(0) },
            StartJobRequest { lease: span(1_000), ..request(0) },
        ] {
            let refused = grpc.queue().start_job(other).await.unwrap_err();
            assert_eq!(refused.code(), Code::Aborted);
            let reason = refused.get_details_error_info().unwrap().reason;
            assert_eq!(reason, "REQUEST_ID_REUSED");
        }
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_ends_waits() {
    on_each_store(async |kind| {
        let mut stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let mut waiters = Vec::new();
        for _ in 0..3 {
            waiters.push(begin(&grpc, wait(60_000)).await);
        }
        stack.running.take().unwrap().shutdown().await;
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap().unwrap(), StartJobResponse::default());
        }
    })
    .await;
}

#[tokio::test]
async fn a_wait_may_be_longer_than_the_timeouts_of_other_calls() {
    let second = Duration::from_secs(1);
    let stack = Stack::on(Network {
        limits: Limits {
            response_timeout: second,
            write_timeout: second,
            idle_timeout: second,
            head_timeout: second,
            body_timeout: second,
            ..Limits::default()
        },
        ..Network::default()
    })
    .await;
    let begun = Instant::now();
    let answer = stack.grpc().queue().start_job(wait(2_500)).await.unwrap();
    assert_eq!(answer.into_inner(), StartJobResponse::default());
    assert!(begun.elapsed() >= Duration::from_millis(2_500));
}

#[tokio::test]
async fn a_waiter_gets_a_job_after_its_connection_to_redis_broke() {
    let stack = Stack::start(StoreKind::Redis).await;
    let grpc = stack.grpc();
    let begun = Instant::now();
    let waiter = begin(&grpc, wait(60_000)).await;
    let killed: u32 = stack.redis().command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert!(killed > 0);
    push(&grpc, job(&[], 1)).await;
    assert_eq!(got(waiter).await, "53/1/1");
    assert!(begun.elapsed() < NOTIFIED, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn waits_end_as_unavailable_when_the_store_goes_away() {
    let stack = Stack::start(StoreKind::Redis).await;
    let grpc = stack.grpc();
    let mut waiters = Vec::new();
    for _ in 0..5 {
        waiters.push(begin(&grpc, wait(60_000)).await);
    }
    let begun = Instant::now();
    // It says nothing more, not even that.
    let down = stack.redis().try_command::<()>(&["SHUTDOWN", "NOSAVE"]).unwrap_err();
    assert!(down.is_io_error() || down.is_connection_dropped(), "{down}");
    for waiter in waiters {
        let status = waiter.await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(status.get_details_retry_info().is_some());
    }
    assert!(begun.elapsed() < NOTIFIED, "{:?}", begun.elapsed());
}
