use super::*;
use crate::domain::{PushJob, test_world::*};
use spiderq_core::model::{Priority, State};

async fn cancel(world: &World, limit: i32) -> Result<u64> {
    world.domain.cancel_oldest(&caller(Role::Admin), world.project, limit, None).await
}

#[tokio::test]
async fn the_oldest_are_cancelled_whatever_their_priority() {
    let world = World::new();
    for number in [0, 4, 2] {
        let priority = Some(Priority::new(number).unwrap());
        world.push(PushJob { priority, ..push_job("books") }).await;
    }
    assert_eq!(cancel(&world, 2).await.unwrap(), 2);
    let left = [State::Finished, State::Finished, State::Pending];
    for (job, state) in (1..).zip(left) {
        assert_eq!(world.state(world.key(job)).await, state);
    }
    assert_eq!(field(&world.job(world.key(1)).await, "close_reason"), Some("\"cancelled\""));
}

#[tokio::test]
async fn running_jobs_are_left_alone() {
    let world = World::new();
    let running = world.push_in(State::Running).await;
    world.push_in(State::Pending).await;
    assert_eq!(cancel(&world, 5).await.unwrap(), 1);
    assert_eq!(field(&world.job(running).await, "stop_requested"), None);
}

#[tokio::test]
async fn more_jobs_than_one_step_takes_are_cancelled_up_to_the_limit() {
    let world = World::new();
    world.push_many(MAX_BATCH + 50).await;
    assert_eq!(cancel(&world, 120).await.unwrap(), 120);
    assert_eq!(world.state(world.key(120)).await, State::Finished);
    assert_eq!(world.state(world.key(121)).await, State::Pending);
}

#[tokio::test]
async fn a_repeated_request_cancels_no_more() {
    let world = World::new();
    world.push_many(3).await;
    let admin = caller(Role::Admin);
    for _ in 0..2 {
        let id = RequestId::parse("id", admin.actor(), "CancelJobs", b"2").unwrap();
        let cancelled = world.domain.cancel_oldest(&admin, world.project, 2, id).await;
        assert_eq!(cancelled.unwrap(), 2);
    }
    assert_eq!(world.state(world.key(3)).await, State::Pending);
}

#[tokio::test]
async fn limits_out_of_range_and_lower_roles_are_refused() {
    let world = World::new();
    world.push_many(1).await;
    for limit in [-1, 0, MAX_CANCEL_OLDEST as i32 + 1] {
        let refusal = "oldest_pending: must be from 1 to 100000";
        assert_eq!(message(cancel(&world, limit).await), refusal);
    }
    let user = world.domain.cancel_oldest(&caller(Role::User), world.project, 1, None).await;
    assert!(message(user).contains("role admin or above"));
    assert_eq!(world.state(world.key(1)).await, State::Pending);
}
