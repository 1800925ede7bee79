use super::*;
use crate::domain::{QueueUpdate, StartJob, StartedJob, test_world::*};
use spiderq_core::model::Role;

async fn send(
    world: &World,
    started: &StartedJob,
    lease_ms: Option<i64>,
) -> Result<HeartbeatResult> {
    let (key, fence) = (started.job.key, Some(started.fence.kept()));
    let heartbeat = Heartbeat { key, fence, lease_ms, counters: Counters::default() };
    world.domain.heartbeat(&caller(Role::Worker), heartbeat).await
}

#[tokio::test]
async fn the_lease_is_extended_from_now_on() {
    let world = World::new();
    world.push_in(State::Pending).await;
    let started = world.start().await;
    world.pass(20_000);
    let result = send(&world, &started, None).await.unwrap();
    assert_eq!(result.lease_expires, Millis(NOW + 50_000));
    assert!(!result.stop_requested);
    let result = send(&world, &started, Some(1_000)).await.unwrap();
    assert_eq!(result.lease_expires, Millis(NOW + 21_000));
    assert_eq!(world.job(started.job.key).await.lease_expires, Some(Millis(NOW + 21_000)));
}

#[tokio::test]
async fn a_worker_whose_lease_has_ended_no_longer_holds_the_job() {
    let world = World::new();
    world.push_in(State::Pending).await;
    let started = world.start().await;
    world.pass(30_000);
    let refusal = "job 53/1/1 is no longer held by this worker";
    assert_eq!(message(send(&world, &started, None).await), refusal);
}

#[tokio::test]
async fn a_job_that_was_finished_is_no_longer_held() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let started = world.start().await;
    let finish = QueueUpdate { state: Some(State::Finished), ..queue_update(key) };
    let user = caller(Role::User);
    world.domain.update_queue(&user, world.project, vec![Ok(finish)], None).await.unwrap();
    let refusal = "job 53/1/1 is no longer held by this worker";
    assert_eq!(message(send(&world, &started, None).await), refusal);
}

#[tokio::test]
async fn a_key_needs_the_fence_and_the_jobs_token_does_not() {
    let world = World::new();
    world.push_in(State::Pending).await;
    let started = world.start().await;
    let beat = async |caller: &Caller| {
        let (key, counters) = (started.job.key, Counters::default());
        let heartbeat = Heartbeat { key, fence: None, lease_ms: None, counters };
        message(world.domain.heartbeat(caller, heartbeat).await)
    };
    for role in [Role::Worker, Role::User, Role::Admin] {
        assert_eq!(beat(&caller(role)).await, "fence: is required, or the job's own token");
    }
    assert_eq!(beat(&token_of(&started)).await, "no error");
    world.pass(30_000);
    let stale = "job 53/1/1 is no longer held by this worker";
    assert_eq!(beat(&token_of(&started)).await, stale);
}

#[tokio::test]
async fn the_answer_says_that_the_job_is_to_stop() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let started = world.start().await;
    world.domain.stop_keys(&caller(Role::User), world.project, &[key], None).await.unwrap();
    assert!(send(&world, &started, None).await.unwrap().stop_requested);
}

#[tokio::test]
async fn counters_are_kept_and_unknown_ones_left() {
    let world = World::new();
    world.push_in(State::Pending).await;
    let started = world.start().await;
    for counters in [
        Counters { items: Some(3), ..Counters::default() },
        Counters { pages: Some(9), ..Counters::default() },
    ] {
        let heartbeat = Heartbeat { key: started.job.key, fence: None, lease_ms: None, counters };
        world.domain.heartbeat(&token_of(&started), heartbeat).await.unwrap();
    }
    let expected = Counters { items: Some(3), pages: Some(9), ..Counters::default() };
    assert_eq!(world.job(started.job.key).await.counters, expected);
}

#[tokio::test]
async fn a_heartbeat_needs_a_lease_in_range() {
    let world = World::new();
    world.push_in(State::Pending).await;
    let start = StartJob { lease_ms: Some(0), ..start_job(world.project) };
    let started = world.domain.start_job(&caller(Role::Worker), start, None).await;
    let started = started.unwrap().unwrap();
    let refusal = "lease: must be from 1000 to 3600000 ms";
    assert_eq!(message(send(&world, &started, Some(0)).await), refusal);
    let refusal = "lease: must be 0 (no lease) or from 1000 to 3600000 ms";
    for lease_ms in [-1, 999, 3_600_001] {
        assert_eq!(message(send(&world, &started, Some(lease_ms)).await), refusal);
    }
    assert_eq!(world.job(started.job.key).await.lease_expires, None);
}
