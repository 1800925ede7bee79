use super::*;
use crate::domain::{SpiderUpdate, test_world::*};
use spiderq_core::{
    limits::MAX_TAGS,
    model::{JobKey, SpiderId, TagChanges},
};

fn schedule(world: &World, spider: SpiderRef) -> ScheduleJob {
    ScheduleJob {
        project: world.project,
        spider,
        state: State::Pending,
        tags: Tags::default(),
        priority: None,
        units: None,
        spider_args: BTreeMap::new(),
        cmd_args: None,
        job_settings: None,
        environment: BTreeMap::new(),
        version: None,
        metadata: Metadata::default(),
    }
}

fn books(world: &World) -> ScheduleJob {
    schedule(world, SpiderRef::Name(spider_name("books")))
}

fn args(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn make(world: &World, schedule: ScheduleJob) -> Result<JobKey> {
    let scheduled = world.domain.schedule_job(&caller(Role::User), schedule, None).await;
    scheduled.map(|job| job.key)
}

/// Sets the tags of the first spider.
async fn tag_spider(world: &World, texts: Tags) {
    let changes = TagChanges { clear: true, add: texts, ..TagChanges::default() };
    let (user, spider) = (caller(Role::User), SpiderRef::Number(SpiderId::new(1).unwrap()));
    let changes = SpiderUpdate { tags: Some(changes), ..SpiderUpdate::default() };
    let updated = world.domain.update_spider(&user, world.project, spider, changes);
    updated.await.unwrap();
}

#[tokio::test]
async fn a_job_with_the_same_arguments_is_a_duplicate_until_it_ends() {
    let world = World::new();
    let with = |pairs: &[(&str, &str)]| ScheduleJob { spider_args: args(pairs), ..books(&world) };
    let first = make(&world, with(&[("page", "1")])).await.unwrap();
    make(&world, with(&[("page", "2")])).await.unwrap();
    make(&world, with(&[])).await.unwrap();
    let again = async || make(&world, with(&[("page", "1")])).await;
    let refused = again().await;
    assert!(matches!(&refused, Err(Error::Duplicate { job, .. }) if *job == first), "{refused:?}");
    assert_eq!(message(refused), "books already scheduled");
    world.domain.stop_keys(&caller(Role::User), world.project, &[first], None).await.unwrap();
    again().await.unwrap();
    // In the metadata they are the same arguments.
    let given =
        |json| ScheduleJob { metadata: metadata(&[("spider_args", json)]), ..books(&world) };
    let repeated = make(&world, given(r#"{"page":"2"}"#)).await;
    assert_eq!(message(repeated), "books already scheduled");
    make(&world, given(r#"{"page":"3"}"#)).await.unwrap();
    assert_eq!(message(make(&world, with(&[("page", "3")])).await), "books already scheduled");
}

#[tokio::test]
async fn arguments_of_a_script_count_wherever_they_are_given() {
    let world = World::new();
    let script = || schedule(&world, SpiderRef::Name(spider_name("py:run.py")));
    let plain = |text: &str| ScheduleJob { cmd_args: Some(text.to_owned()), ..script() };
    let given = |name, json| ScheduleJob { metadata: metadata(&[(name, json)]), ..script() };
    make(&world, plain("a 'b c'")).await.unwrap();
    make(&world, given("cmd_args", "\"b\"")).await.unwrap();
    make(&world, given("job_cmd", r#"["py:run.py","c"]"#)).await.unwrap();
    for again in [
        plain("a 'b c'"),
        given("cmd_args", "\"a 'b c'\""),
        plain("b"),
        given("job_cmd", r#"["py:run.py","c"]"#),
    ] {
        assert_eq!(message(make(&world, again).await), "py:run.py already scheduled");
    }
}

#[tokio::test]
async fn the_fields_of_a_schedule_become_metadata() {
    let world = World::new();
    let call = ScheduleJob {
        spider_args: args(&[("page", "1")]),
        environment: args(&[("LANG", "C")]),
        cmd_args: Some("--fast".to_owned()),
        job_settings: Some(JsonText::parse(r#"{"A": 1}"#).unwrap()),
        version: Some("v1".to_owned()),
        metadata: metadata(&[("note", "1"), ("spider_type", "\"mine\"")]),
        ..schedule(&world, SpiderRef::Name(spider_name("py:run.py")))
    };
    let job = world.job(make(&world, call).await.unwrap()).await;
    for (name, json) in [
        ("spider_type", "\"script\""),
        ("spider_args", r#"{"page":"1"}"#),
        ("environment", r#"{"LANG":"C"}"#),
        ("job_settings", r#"{"A": 1}"#),
        ("cmd_args", "\"--fast\""),
        ("job_cmd", r#"["py:run.py","--fast"]"#),
        ("version", "\"v1\""),
        ("note", "1"),
    ] {
        assert_eq!(field(&job, name), Some(json), "{name}");
    }
    assert_eq!(entered_by(&job, State::Pending), "user");
}

#[tokio::test]
async fn tags_are_those_of_the_spider_then_of_the_metadata_then_of_the_call() {
    let world = World::new();
    world.push_many(1).await;
    tag_spider(&world, tags(&["spider", "both"])).await;
    let call = ScheduleJob {
        tags: tags(&["call", "both"]),
        metadata: metadata(&[("tags", r#"["meta"]"#)]),
        ..books(&world)
    };
    let key = make(&world, call).await.unwrap();
    assert_eq!(world.job(key).await.tags, tags(&["spider", "both", "meta", "call"]));
}

#[tokio::test]
async fn too_many_tags_with_those_of_the_spider_are_refused() {
    let world = World::new();
    world.push_many(1).await;
    tag_spider(&world, Tags::parse((0..MAX_TAGS).map(|n| n.to_string())).unwrap()).await;
    let call = ScheduleJob { tags: tags(&["one more"]), ..books(&world) };
    assert_eq!(message(make(&world, call).await), "tags: a job may have at most 64");
    assert_eq!(make(&world, books(&world)).await.unwrap(), world.key(2), "no number was taken");
}

#[tokio::test]
async fn a_spider_named_by_its_number_must_exist() {
    let world = World::new();
    world.push_many(1).await;
    let by_number = |number| schedule(&world, SpiderRef::Number(SpiderId::new(number).unwrap()));
    let key = make(&world, by_number(1)).await.unwrap();
    assert_eq!(world.job(key).await.spider, spider_name("books"));
    let refusal = "there is no spider 53/2";
    assert_eq!(message(make(&world, by_number(2)).await), refusal);
}

#[tokio::test]
async fn a_job_scheduled_as_running_was_pending_too() {
    let world = World::new();
    let call = ScheduleJob { state: State::Running, ..books(&world) };
    let job = world.job(make(&world, call).await.unwrap()).await;
    assert_eq!((job.state, job.attempt), (State::Running, 1));
    assert_eq!(job.entry(State::Pending), job.entry(State::Running));
}

#[tokio::test]
async fn a_job_scheduled_as_running_keeps_to_the_limits() {
    let world = World::new();
    world.set("max_running", "0").await;
    let call = ScheduleJob { state: State::Running, ..books(&world) };
    assert_eq!(message(make(&world, call).await), "the project's max_running is reached");
}

#[tokio::test]
async fn a_worker_may_not_schedule() {
    let world = World::new();
    let refused = world.domain.schedule_job(&caller(Role::Worker), books(&world), None).await;
    assert!(message(refused).contains("role user or above"));
}

#[tokio::test]
async fn the_job_is_answered_as_it_was_made_also_to_a_repeated_request() {
    let world = World::new();
    world.push_many(1).await;
    tag_spider(&world, tags(&["spider"])).await;
    let user = caller(Role::User);
    let make = async || {
        let id = RequestId::parse("id", user.actor(), "ScheduleJob", b"").unwrap();
        let call = ScheduleJob { tags: tags(&["own"]), ..books(&world) };
        world.domain.schedule_job(&user, call, id).await.unwrap()
    };
    let made = make().await;
    assert_eq!(made, world.job(made.key).await);
    assert_eq!(made.tags, tags(&["spider", "own"]));
    world.pass(1_000);
    world.domain.stop_keys(&user, world.project, &[made.key], None).await.unwrap();
    assert_eq!(make().await, made);
}
