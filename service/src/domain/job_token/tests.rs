use super::*;
use crate::domain::test_world::*;

async fn token(world: &World, role: Role, key: JobKey) -> Result<String> {
    world.domain.get_job_token(&caller(role), key).await
}

#[tokio::test]
async fn a_worker_gets_the_tokens_of_the_jobs_that_it_runs() {
    let world = World::new();
    world.push_many(1).await;
    let started = world.start().await;
    let own = token(&world, Role::Worker, started.job.key).await.unwrap();
    assert_eq!(world.domain.auth().tokens().check(&own), Some((started.job.key, 1)));
    let other = world.push_in(State::Running).await;
    let refusal = "job 53/1/2 is not run by this key's owner";
    assert_eq!(message(token(&world, Role::Worker, other).await), refusal);
    token(&world, Role::User, other).await.unwrap();
    assert!(message(token(&world, Role::Read, other).await).contains("role worker or above"));
}

#[tokio::test]
async fn only_a_running_job_has_a_token() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let refusal = "job 53/1/1 is pending: only a running job has a token";
    assert_eq!(message(token(&world, Role::User, key).await), refusal);
    assert_eq!(message(token(&world, Role::User, world.key(2)).await), "there is no job 53/1/2");
}
