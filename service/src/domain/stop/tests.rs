use super::*;
use crate::domain::test_world::*;
use spiderq_core::store::UpkeepStore as _;

async fn stop(world: &World, keys: &[JobKey]) -> Result<u64> {
    world.domain.stop_keys(&caller(Role::User), world.project, keys, None).await
}

#[tokio::test]
async fn a_pending_job_is_finished_as_cancelled() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    assert_eq!(stop(&world, &[key]).await.unwrap(), 1);
    let job = world.job(key).await;
    assert_eq!(job.state, State::Finished);
    assert_eq!(field(&job, "close_reason"), Some("\"cancelled\""));
    assert_eq!(field(&job, "cancelled_by"), Some("\"user\""));
    assert_eq!(field(&job, "stop_requested"), None);
    assert_eq!(entered_by(&job, State::Finished), "user");
}

#[tokio::test]
async fn a_running_job_is_asked_to_stop_and_runs_on() {
    let world = World::new();
    let key = world.push_in(State::Running).await;
    assert_eq!(stop(&world, &[key]).await.unwrap(), 1);
    let job = world.job(key).await;
    assert_eq!(job.state, State::Running);
    assert_eq!(field(&job, "stop_requested"), Some("true"));
    assert_eq!(field(&job, "cancelled_by"), Some("\"user\""));
    assert_eq!(field(&job, "close_reason"), None);
}

#[tokio::test]
async fn a_running_job_has_the_cancel_timeout_to_end() {
    let world = World::new();
    let due = async |ms| world.store.due(Millis(NOW + ms), 10).await.unwrap();
    let by_default = world.push_in(State::Running).await;
    stop(&world, &[by_default]).await.unwrap();
    assert_eq!(due(299_999).await, []);
    assert_eq!(due(300_000).await, [by_default]);
    world.set(settings::CANCEL_TIMEOUT, "2").await;
    let by_setting = world.push_in(State::Running).await;
    stop(&world, &[by_setting]).await.unwrap();
    assert_eq!(due(1_999).await, []);
    assert_eq!(due(2_000).await, [by_setting]);
}

#[tokio::test]
async fn only_pending_and_running_jobs_are_counted() {
    let world = World::new();
    for state in State::ALL {
        world.push_in(state).await;
    }
    assert_eq!(stop(&world, &world.keys(5)).await.unwrap(), 2);
    assert_eq!(world.state(world.key(4)).await, State::Deleted);
}

#[tokio::test]
async fn more_jobs_than_one_step_takes_are_stopped_in_several() {
    let world = World::new();
    world.push_many(MAX_BATCH + 50).await;
    let keys = world.keys(MAX_BATCH as u64 + 50);
    assert_eq!(stop(&world, &keys).await.unwrap(), 150);
    assert_eq!(world.state(world.key(150)).await, State::Finished);
}

#[tokio::test]
async fn a_repeated_request_answers_what_the_first_did() {
    let world = World::new();
    let (key, user) = (world.push_in(State::Pending).await, caller(Role::User));
    for _ in 0..2 {
        let id = RequestId::parse("id", user.actor(), "StopJobs", b"body").unwrap();
        let stopped = world.domain.stop_keys(&user, world.project, &[key], id).await;
        assert_eq!(stopped.unwrap(), 1);
    }
    assert_eq!(stop(&world, &[key]).await.unwrap(), 0);
}

#[tokio::test]
async fn no_keys_other_projects_and_lower_roles_are_refused() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let elsewhere = JobKey::parse("54/1/1").unwrap();
    assert_eq!(message(stop(&world, &[]).await), "keys: at least one is required");
    let refusal = "key: must be a job of project 53, 54/1/1 is not";
    assert_eq!(message(stop(&world, &[key, elsewhere]).await), refusal);
    let worker = world.domain.stop_keys(&caller(Role::Worker), world.project, &[key], None).await;
    assert!(message(worker).contains("role user or above"));
    assert_eq!(world.state(key).await, State::Pending);
}
