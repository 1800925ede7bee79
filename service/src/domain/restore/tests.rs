use super::*;
use crate::domain::{ListQuery, QueueUpdate, test_world::*};
use spiderq_core::{
    limits::MAX_ITEMS,
    model::{Filter, State, StateSet},
};

async fn restore(world: &World, keys: &[JobKey]) -> Result<u64> {
    world.domain.restore_keys(&caller(Role::Admin), world.project, keys, None).await
}

async fn delete(world: &World, key: JobKey) {
    let delete = QueueUpdate { state: Some(State::Deleted), ..queue_update(key) };
    world
        .domain
        .update_queue(&caller(Role::User), world.project, vec![Ok(delete)], None)
        .await
        .unwrap();
}

/// A job that its worker finished as `done` 1 ms after its start.
async fn finished(world: &World) -> JobKey {
    let key = world.push_in(State::Pending).await;
    let started = world.start().await;
    world.pass(1);
    let finish = QueueUpdate {
        state: Some(State::Finished),
        close_reason: Some("done".to_owned()),
        ..queue_update(key)
    };
    let worker = token_of(&started);
    world.domain.update_queue(&worker, world.project, vec![Ok(finish)], None).await.unwrap();
    key
}

#[tokio::test]
async fn a_restored_job_is_as_it_was_but_for_who_restored_it_and_when() {
    let world = World::new();
    let key = finished(&world).await;
    let mut expected = world.job(key).await;
    world.pass(10);
    delete(&world, key).await;
    world.pass(10);
    assert_eq!(restore(&world, &[key]).await.unwrap(), 1);
    expected.metadata.extend(metadata(&[("restored_by", "\"admin\"")]));
    let time = world.domain.now();
    expected.metadata.extend(metadata(&[("restored_time", &time.0.to_string())]));
    expected.updated = time;
    assert_eq!(world.job(key).await, expected);
}

#[tokio::test]
async fn a_job_that_had_not_ended_is_cancelled_now() {
    let world = World::new();
    for state in [State::Pending, State::Running, State::Deleted] {
        let key = world.push_in(state).await;
        delete(&world, key).await;
        world.pass(5);
        assert_eq!(restore(&world, &[key]).await.unwrap(), 1);
        let job = world.job(key).await;
        assert_eq!((job.state, entered_by(&job, State::Finished)), (State::Finished, "admin"));
        assert_eq!(job.position.ts(), world.domain.now());
        assert_eq!(field(&job, "close_reason"), Some("\"cancelled\""));
    }
}

#[tokio::test]
async fn only_deleted_jobs_are_restored_and_counted() {
    let world = World::new();
    for state in State::ALL {
        world.push_in(state).await;
    }
    assert_eq!(restore(&world, &world.keys(9)).await.unwrap(), 1);
    let mut states = Vec::new();
    for key in world.keys(4) {
        states.push(world.state(key).await);
    }
    assert_eq!(states, [State::Pending, State::Running, State::Finished, State::Finished]);
    assert_eq!(restore(&world, &world.keys(4)).await.unwrap(), 0);
}

#[tokio::test]
async fn more_jobs_than_one_step_takes_are_restored() {
    let world = World::new();
    world.push_many(MAX_BATCH + 1).await;
    let keys = world.keys(MAX_BATCH as u64 + 1);
    let user = caller(Role::User);
    world.domain.delete_keys(&user, world.project, &keys).await.unwrap();
    assert_eq!(restore(&world, &keys).await.unwrap(), keys.len() as u64);
    assert_eq!(message(restore(&world, &[]).await), "keys: at least one is required");
    let many = world.keys(MAX_ITEMS as u64 + 1);
    assert_eq!(message(restore(&world, &many).await), "keys: at most 1000 in one call");
}

#[tokio::test]
async fn an_update_to_finished_restores_a_deleted_job_and_merges_its_metadata() {
    let world = World::new();
    let key = finished(&world).await;
    delete(&world, key).await;
    let update = QueueUpdate {
        state: Some(State::Finished),
        close_reason: Some("late".to_owned()),
        metadata: metadata(&[("n", "1"), ("restored_by", "\"me\"")]),
        ..queue_update(key)
    };
    let user = caller(Role::User);
    let done =
        world.domain.update_queue(&user, world.project, vec![Ok(update)], None).await.unwrap();
    assert_eq!(done[0].result.as_ref().unwrap(), &State::Deleted);
    let job = world.job(key).await;
    assert_eq!((job.state, entered_by(&job, State::Finished)), (State::Finished, "worker"));
    let fields = ["close_reason", "n", "restored_by"].map(|name| field(&job, name).unwrap());
    assert_eq!(fields, ["\"done\"", "1", "\"user\""]);
}

#[tokio::test]
async fn a_job_that_is_restored_while_its_list_is_read_is_listed_once() {
    let world = World::new();
    let key = finished(&world).await;
    // More than a page of the store, so that the old place of the first is read after its change.
    for _ in 0..MAX_BATCH {
        world.push_in(State::Finished).await;
    }
    world.pass(1);
    delete(&world, key).await;
    let states = StateSet::from_iter([State::Finished, State::Deleted]);
    let query = ListQuery::new(world.project, Filter { states, ..Filter::default() });
    let mut jobs = world.domain.list_jobs(&caller(Role::Read), query).await.unwrap();
    assert_eq!(jobs.next().await.unwrap().unwrap().key, key);
    assert_eq!(restore(&world, &[key]).await.unwrap(), 1);
    let rest: Vec<u64> =
        jobs.collect().await.unwrap().iter().map(|job| job.key.job.get()).collect();
    assert_eq!(rest, (2..=MAX_BATCH as u64 + 1).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_worker_restores_nothing() {
    let world = World::new();
    let key = world.push_in(State::Deleted).await;
    let worker = caller(Role::Worker);
    let refused = world.domain.restore_keys(&worker, world.project, &[key], None).await;
    assert!(message(refused).contains("role user or above"));
    let update = QueueUpdate { state: Some(State::Finished), ..queue_update(key) };
    let done = world.domain.update_queue(&worker, world.project, vec![Ok(update)], None).await;
    let refused = done.unwrap().remove(0).result;
    assert_eq!(message(refused), "job 53/1/1 is not run by this key's owner");
    assert_eq!(world.state(key).await, State::Deleted);
}
