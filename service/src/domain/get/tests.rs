use crate::domain::test_world::*;
use spiderq_core::model::Role;

#[tokio::test]
async fn a_job_is_answered_with_all_its_metadata() {
    let world = World::new();
    let job = crate::domain::PushJob { metadata: metadata(&[("a", "1")]), ..push_job("books") };
    let key = world.push(job).await;
    let job = world.domain.get_job(&caller(Role::Read), key).await.unwrap();
    assert_eq!(field(&job, "a"), Some("1"));
    let missing = world.domain.get_job(&caller(Role::Read), world.key(2)).await;
    assert_eq!(message(missing), "there is no job 53/1/2");
}

#[tokio::test]
async fn a_token_reads_its_own_job_only() {
    let world = World::new();
    world.push_many(2).await;
    let token = token_of(&world.start().await);
    world.domain.get_job(&token, world.key(1)).await.unwrap();
    let other = world.domain.get_job(&token, world.key(2)).await;
    assert_eq!(message(other), "a job token reaches only its own job, 53/1/1");
}
