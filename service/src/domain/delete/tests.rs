use super::*;
use crate::domain::test_world::*;

async fn delete(world: &World, keys: &[JobKey]) -> Result<u64> {
    world.domain.delete_keys(&caller(Role::User), world.project, keys).await
}

#[tokio::test]
async fn jobs_that_do_not_run_are_deleted_and_missing_ones_not_counted() {
    let world = World::new();
    for state in [State::Pending, State::Finished, State::Deleted] {
        world.push_in(state).await;
    }
    assert_eq!(delete(&world, &world.keys(4)).await.unwrap(), 3);
    let job = world.job(world.key(1)).await;
    assert_eq!((job.state, entered_by(&job, State::Deleted)), (State::Deleted, "user"));
    assert_eq!(world.state(world.key(2)).await, State::Deleted);
}

#[tokio::test]
async fn a_running_job_refuses_the_whole_call() {
    let world = World::new();
    let (finished, running) =
        (world.push_in(State::Finished).await, world.push_in(State::Running).await);
    let refusal = "job 53/1/2 is running: stop it first";
    assert_eq!(message(delete(&world, &[finished, running]).await), refusal);
    assert_eq!(world.state(finished).await, State::Finished);
}

#[tokio::test]
async fn a_running_job_behind_the_first_step_is_seen_before_anything_is_deleted() {
    let world = World::new();
    world.push_many(MAX_BATCH).await;
    world.push_in(State::Running).await;
    let keys = world.keys(MAX_BATCH as u64 + 1);
    assert_eq!(message(delete(&world, &keys).await), "job 53/1/101 is running: stop it first");
    assert_eq!(world.state(world.key(1)).await, State::Pending);
}

#[tokio::test]
async fn only_a_deleted_job_is_purged() {
    let world = World::new();
    let key = world.push_in(State::Finished).await;
    let purge = async || world.domain.purge_job(&caller(Role::User), key).await;
    assert_eq!(message(purge().await), "job 53/1/1 is finished: delete it first");
    delete(&world, &[key]).await.unwrap();
    assert!(purge().await.unwrap());
    assert!(!world.exists(key).await);
    // Repeating it is no error.
    assert!(!purge().await.unwrap());
}

#[tokio::test]
async fn a_worker_may_neither_delete_nor_purge() {
    let world = World::new();
    let (key, worker) = (world.push_in(State::Deleted).await, caller(Role::Worker));
    let deleted = world.domain.delete_keys(&worker, world.project, &[key]).await;
    assert!(message(deleted).contains("role user or above"));
    let purged = world.domain.purge_job(&worker, key).await;
    assert!(message(purged).contains("role user or above"));
    assert!(world.exists(key).await);
}
