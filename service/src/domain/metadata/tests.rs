use super::*;
use crate::domain::{PushJob, test_world::*};
use spiderq_core::model::{Role, State, Units};

async fn set(world: &World, key: JobKey, fields: &[(&str, &str)]) -> Result<Millis> {
    let condition = MetadataCondition::default();
    world.domain.set_job_metadata(&caller(Role::User), key, metadata(fields), condition).await
}

async fn delete(world: &World, key: JobKey, name: &str) -> Result<()> {
    let field = FieldName::parse(name).unwrap();
    let condition = MetadataCondition::default();
    world.domain.delete_job_metadata(&caller(Role::User), key, field, condition).await
}

#[tokio::test]
async fn fields_are_set_and_those_of_the_service_skipped() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    set(&world, key, &[("a", "1"), ("state", "\"deleted\""), ("tags", "[\"t\"]")]).await.unwrap();
    let job = world.job(key).await;
    assert_eq!((field(&job, "a"), field(&job, "state")), (Some("1"), None));
    assert_eq!((job.state, &job.tags), (State::Pending, &tags(&["t"])));
}

#[tokio::test]
async fn fields_above_the_limit_in_all_are_refused() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let half = format!("\"{}\"", "x".repeat(1 << 19));
    set(&world, key, &[("a", &half)]).await.unwrap();
    let refusal = "metadata: must be at most 1 MiB in all";
    assert_eq!(message(set(&world, key, &[("b", &half)]).await), refusal);
    assert_eq!(field(&world.job(key).await, "b"), None);
}

#[tokio::test]
async fn removing_what_every_job_has_restores_its_default() {
    let world = World::new();
    let units = Some(Units::new(6).unwrap());
    let fields = metadata(&[("a", "1"), ("priority", "4")]);
    let job = PushJob { units, tags: tags(&["t"]), metadata: fields, ..push_job("books") };
    let key = world.push(job).await;
    for name in ["tags", "priority", "units", "a", "never set", "state"] {
        delete(&world, key, name).await.unwrap();
    }
    let job = world.job(key).await;
    assert_eq!((job.priority.get(), job.units.get()), (2, 1));
    assert_eq!((&job.tags, field(&job, "a")), (&tags(&[]), None));
    assert_eq!(job.state, State::Pending);
}

#[tokio::test]
async fn a_missing_job_is_an_error_for_setting_but_not_for_removing() {
    let world = World::new();
    assert_eq!(message(set(&world, world.key(1), &[("a", "1")]).await), "there is no job 53/1/1");
    delete(&world, world.key(1), "a").await.unwrap();
}

#[tokio::test]
async fn a_worker_changes_only_the_job_that_it_runs() {
    let world = World::new();
    let other = world.push_in(State::Running).await;
    world.push_in(State::Pending).await;
    let own = world.start().await.job.key;
    let set = async |key| {
        let fields = metadata(&[("a", "1")]);
        let condition = MetadataCondition::default();
        world.domain.set_job_metadata(&caller(Role::Worker), key, fields, condition).await
    };
    set(own).await.unwrap();
    assert_eq!(message(set(other).await), "job 53/1/1 is not run by this key's owner");
}

#[tokio::test]
async fn a_job_that_was_written_since_it_was_read_is_not_changed() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let read = world.job(key).await.updated;
    world.pass(5);
    let with = |since| MetadataCondition { unchanged_since: Some(since), ..Default::default() };
    let user = caller(Role::User);
    let set = async |since| {
        let fields = metadata(&[("a", "1")]);
        world.domain.set_job_metadata(&user, key, fields, with(since)).await
    };
    let written = set(read).await.unwrap();
    assert_eq!(written, world.job(key).await.updated);
    let refusal = "etag: the job was changed since, read it again";
    assert_eq!(message(set(read).await), refusal);
    let field = FieldName::parse("a").unwrap();
    let delete = world.domain.delete_job_metadata(&user, key, field, with(read)).await;
    assert_eq!(message(delete), refusal);
    assert!(set(written).await.is_ok());
}

#[tokio::test]
async fn where_nothing_is_set_the_job_is_as_it_was() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let read = world.job(key).await.updated;
    world.pass(5);
    assert_eq!(set(&world, key, &[("state", "\"finished\"")]).await.unwrap(), read);
}
