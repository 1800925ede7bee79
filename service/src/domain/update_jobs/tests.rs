use super::*;
use crate::domain::{PushJob, test_world::*};
use spiderq_core::{
    limits::MAX_TAGS,
    model::{State, Tags},
};

fn update(world: &World, keys: Vec<JobKey>) -> UpdateJobs {
    let (tags, metadata) = (TagChanges::default(), Metadata::default());
    UpdateJobs { project: world.project, keys, spider: None, tags, metadata }
}

async fn make(world: &World, update: UpdateJobs) -> Result<u64> {
    world.domain.update_jobs(&caller(Role::User), update).await
}

#[tokio::test]
async fn fields_are_set_and_tags_changed_in_every_job() {
    let world = World::new();
    world.push_many(2).await;
    let add = TagChanges { add: tags(&["new"]), ..TagChanges::default() };
    let fields = metadata(&[("note", "1"), ("state", "\"finished\""), ("priority", "4")]);
    let changes = UpdateJobs { tags: add, metadata: fields, ..update(&world, world.keys(3)) };
    assert_eq!(make(&world, changes).await.unwrap(), 2, "the third does not exist");
    for key in world.keys(2) {
        let job = world.job(key).await;
        assert_eq!((field(&job, "note"), &job.tags), (Some("1"), &tags(&["new"])));
        assert_eq!((job.state, job.priority.get()), (State::Pending, 4));
        assert_eq!(field(&job, "state"), None, "a field that only the service sets");
    }
}

#[tokio::test]
async fn tags_in_the_metadata_replace_those_of_the_job() {
    let world = World::new();
    let key = world.push(PushJob { tags: tags(&["old"]), ..push_job("books") }).await;
    let fields = || metadata(&[("tags", r#"["new"]"#)]);
    let changes = UpdateJobs { metadata: fields(), ..update(&world, vec![key]) };
    make(&world, changes).await.unwrap();
    assert_eq!(world.job(key).await.tags, tags(&["new"]));
    // Changes of tags take precedence.
    let add = TagChanges { add: tags(&["more"]), ..TagChanges::default() };
    let changes = UpdateJobs { tags: add, metadata: fields(), ..update(&world, vec![key]) };
    make(&world, changes).await.unwrap();
    assert_eq!(world.job(key).await.tags, tags(&["new", "more"]));
}

#[tokio::test]
async fn an_update_by_spider_leaves_out_deleted_jobs() {
    let world = World::new();
    for state in State::ALL {
        world.push_in(state).await;
    }
    let other = world.push(push_job("news")).await;
    let fields = metadata(&[("note", "1")]);
    let spider = Some(spider_name("books"));
    let changes = UpdateJobs { spider, metadata: fields, ..update(&world, Vec::new()) };
    assert_eq!(make(&world, changes).await.unwrap(), 3);
    for key in [world.key(4), other] {
        assert_eq!(field(&world.job(key).await, "note"), None);
    }
}

#[tokio::test]
async fn keys_come_before_the_spider() {
    let world = World::new();
    world.push_many(2).await;
    let (spider, fields) = (Some(spider_name("books")), metadata(&[("note", "1")]));
    let changes = UpdateJobs { spider, metadata: fields, ..update(&world, vec![world.key(2)]) };
    assert_eq!(make(&world, changes).await.unwrap(), 1);
    assert_eq!(field(&world.job(world.key(1)).await, "note"), None);
}

#[tokio::test]
async fn one_job_with_too_many_tags_refuses_the_step() {
    let world = World::new();
    world.push_many(1).await;
    let full = Tags::parse((0..MAX_TAGS).map(|n| n.to_string())).unwrap();
    let full = world.push(PushJob { tags: full, ..push_job("books") }).await;
    let add = TagChanges { add: tags(&["one more"]), ..TagChanges::default() };
    let changes = UpdateJobs { tags: add, ..update(&world, vec![world.key(1), full]) };
    assert_eq!(message(make(&world, changes).await), "tags: a job may have at most 64");
    assert_eq!(world.job(world.key(1)).await.tags, Tags::default());
}

#[tokio::test]
async fn no_keys_and_lower_roles_are_refused() {
    let world = World::new();
    world.push_many(1).await;
    let refusal = "keys: at least one is required";
    assert_eq!(message(make(&world, update(&world, Vec::new())).await), refusal);
    let (worker, changes) = (caller(Role::Worker), update(&world, world.keys(1)));
    let refused = world.domain.update_jobs(&worker, changes).await;
    assert!(message(refused).contains("role user or above"));
}
