use super::*;
use crate::domain::{Heartbeat, MetadataCondition, PushJob, StartedJob, test_world::*};
use spiderq_core::model::Role;

/// The lease of a start that names none, ms.
const LEASE: u64 = 30_000;

async fn reap(world: &World) {
    let more = Reaper::new(Arc::clone(&world.domain)).round().await.unwrap();
    assert!(!more, "so few jobs are due");
}

async fn started(world: &World) -> StartedJob {
    world.push_in(State::Pending).await;
    world.start().await
}

async fn stop(world: &World, key: JobKey) {
    let stopped = world.domain.stop_keys(&caller(Role::User), world.project, &[key], None).await;
    assert_eq!(stopped.unwrap(), 1);
}

/// State, close reason, and who entered the state.
async fn outcome(world: &World, key: JobKey) -> (State, Option<String>, String) {
    let job = world.job(key).await;
    let by = entered_by(&job, job.state).to_owned();
    (job.state, field(&job, "close_reason").map(str::to_owned), by)
}

fn finished_as(close_reason: &str) -> (State, Option<String>, String) {
    (State::Finished, Some(format!("\"{close_reason}\"")), "spiderq".to_owned())
}

#[tokio::test]
async fn a_job_whose_lease_has_ended_goes_back_before_the_others() {
    let world = World::new();
    let key = started(&world).await.job.key;
    world.push_in(State::Pending).await;
    world.pass(LEASE - 1);
    reap(&world).await;
    assert_eq!(world.state(key).await, State::Running);
    world.pass(1);
    reap(&world).await;
    assert_eq!(outcome(&world, key).await, (State::Pending, None, "user".to_owned()));
    let again = world.start().await;
    assert_eq!((again.job.key, again.job.attempt), (key, 2));
}

#[tokio::test]
async fn a_job_is_lost_after_as_many_attempts_as_allowed() {
    let world = World::new();
    world.set(settings::MAX_ATTEMPTS, "2").await;
    let key = started(&world).await.job.key;
    world.pass(LEASE);
    reap(&world).await;
    assert_eq!(world.start().await.job.key, key);
    world.pass(LEASE);
    reap(&world).await;
    assert_eq!(outcome(&world, key).await, finished_as("lost"));
}

#[tokio::test]
async fn lost_jobs_are_finished_where_the_project_says_so() {
    let world = World::new();
    world.set(settings::ON_LOST, "\"finish\"").await;
    let key = started(&world).await.job.key;
    world.pass(LEASE);
    reap(&world).await;
    assert_eq!(outcome(&world, key).await, finished_as("lost"));
}

#[tokio::test]
async fn a_lost_job_that_was_asked_to_stop_is_cancelled() {
    let world = World::new();
    let key = started(&world).await.job.key;
    stop(&world, key).await;
    world.pass(LEASE);
    reap(&world).await;
    assert_eq!(outcome(&world, key).await, finished_as("cancelled"));
}

#[tokio::test]
async fn a_job_that_does_not_stop_in_time_is_finished() {
    let world = World::new();
    world.set(settings::CANCEL_TIMEOUT, "20").await;
    let key = started(&world).await.job.key;
    stop(&world, key).await;
    world.pass(19_999);
    reap(&world).await;
    assert_eq!(world.state(key).await, State::Running);
    world.pass(1);
    reap(&world).await;
    assert_eq!(outcome(&world, key).await, finished_as("cancel_timeout"));
}

#[tokio::test]
async fn a_job_without_a_lease_is_never_lost() {
    let world = World::new();
    let key = world.push_in(State::Running).await;
    world.pass(1_000 * LEASE);
    reap(&world).await;
    assert_eq!(world.state(key).await, State::Running);
}

#[tokio::test]
async fn a_heartbeat_keeps_the_job() {
    let world = World::new();
    let StartedJob { job, fence, .. } = started(&world).await;
    world.pass(LEASE - 1);
    let counters = Counters::default();
    let heartbeat = Heartbeat { key: job.key, fence: Some(fence.kept()), lease_ms: None, counters };
    world.domain.heartbeat(&caller(Role::Worker), heartbeat).await.unwrap();
    world.pass(LEASE - 1);
    reap(&world).await;
    assert_eq!(world.state(job.key).await, State::Running);
}

#[tokio::test]
async fn a_requeued_job_keeps_all_but_the_fields_of_its_attempt() {
    let world = World::new();
    let key = world.push(PushJob { metadata: metadata(&[("a", "1")]), ..push_job("books") }).await;
    world.start().await;
    let stats = r#"{"item_scraped_count": 2}"#;
    let fields = metadata(&[("scrapystats", stats), ("close_reason", "\"x\""), ("b", "2")]);
    let condition = MetadataCondition::default();
    world.domain.set_job_metadata(&caller(Role::User), key, fields, condition).await.unwrap();
    world.pass(LEASE);
    reap(&world).await;
    let job = world.job(key).await;
    assert_eq!(job.metadata, metadata(&[("a", "1"), ("b", "2")]));
    let zero = Some(0);
    assert_eq!(job.counters, Counters { items: zero, pages: zero, logs: zero, errors: zero });
    assert_eq!(job.lease_expires, None);
}

#[tokio::test]
async fn a_full_round_says_that_there_may_be_more() {
    let world = World::new();
    world.push_many(MAX_BATCH + 1).await;
    for _ in 0..=MAX_BATCH {
        world.start().await;
    }
    world.pass(LEASE);
    let mut reaper = Reaper::new(Arc::clone(&world.domain));
    assert!(reaper.round().await.unwrap());
    assert!(!reaper.round().await.unwrap());
    assert_eq!(world.state(world.key(101)).await, State::Pending);
}
