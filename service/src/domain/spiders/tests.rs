use super::*;
use crate::domain::{PushJob, test_world::*};

fn number(number: i64) -> SpiderId {
    SpiderId::new(number).unwrap()
}

async fn get(world: &World, spider: SpiderRef, create: bool) -> Result<Spider> {
    world.domain.get_spider(&caller(Role::User), world.project, spider, create).await
}

fn tagged(changes: TagChanges) -> SpiderUpdate {
    SpiderUpdate { tags: Some(changes), ..SpiderUpdate::default() }
}

fn limited(max_running: Option<u32>) -> SpiderUpdate {
    SpiderUpdate { max_running: Some(max_running), ..SpiderUpdate::default() }
}

fn named(name: &str) -> SpiderRef {
    SpiderRef::Name(spider_name(name))
}

#[tokio::test]
async fn spiders_are_listed_by_number_with_the_version_of_their_latest_job() {
    let world = World::new();
    for (spider, version) in [("b", "\"v1\""), ("a", "\"v7\""), ("b", "\"v2\"")] {
        let metadata = metadata(&[("version", version)]);
        world.push(PushJob { metadata, ..push_job(spider) }).await;
    }
    get(&world, named("c"), true).await.unwrap();
    let list = async |after, limit| {
        let reader = caller(Role::Read);
        let mut memory = world.domain.memory_of(&reader);
        let spiders = world.domain.list_spiders(&reader, world.project, after, limit, &mut memory);
        let text = |spider: Spider| (spider.name.to_string(), spider.version.unwrap_or_default());
        spiders.await.unwrap().into_iter().map(text).collect::<Vec<_>>()
    };
    let reader = caller(Role::Read);
    assert_eq!(world.domain.count_spiders(&reader, world.project).await.unwrap(), 3);
    let expected = [("b", "v2"), ("a", "v7"), ("c", "")];
    let expected = expected.map(|(name, version)| (name.to_owned(), version.to_owned()));
    assert_eq!(list(None, 1_000).await, expected);
    assert_eq!(list(Some(number(1)), 1).await, expected[1..2]);
}

#[tokio::test]
async fn a_spider_tells_how_its_project_is_called() {
    let world = World::new();
    world.push_many(1).await;
    for (setting, expected) in [(None, "53"), (Some("7"), "53"), (Some("\"Books\""), "Books")] {
        if let Some(json) = setting {
            world.set("name", json).await;
        }
        assert_eq!(get(&world, named("books"), false).await.unwrap().project_name, expected);
    }
}

#[tokio::test]
async fn a_spider_is_created_by_its_name_only() {
    let world = World::new();
    assert_eq!(message(get(&world, named("a"), false).await), "project 53 has no spider a");
    assert_eq!(get(&world, named("a"), true).await.unwrap().id, number(1));
    assert_eq!(get(&world, named("a"), false).await.unwrap().id, number(1));
    assert_eq!(get(&world, SpiderRef::Number(number(1)), false).await.unwrap().id, number(1));
    let refusal = "create: goes with a name, not with a number";
    assert_eq!(message(get(&world, SpiderRef::Number(number(1)), true).await), refusal);
    let refusal = "there is no spider 53/2";
    assert_eq!(message(get(&world, SpiderRef::Number(number(2)), false).await), refusal);
}

#[tokio::test]
async fn only_a_user_may_create_change_and_limit_a_spider() {
    let world = World::new();
    world.push_many(1).await;
    let (domain, worker, project) = (&world.domain, caller(Role::Worker), world.project);
    domain.get_spider(&worker, project, named("books"), false).await.unwrap();
    let add = TagChanges { add: tags(&["x"]), ..TagChanges::default() };
    for refused in [
        message(domain.get_spider(&worker, project, named("new"), true).await),
        message(domain.update_spider(&worker, project, named("books"), tagged(add)).await),
        message(domain.update_spider(&worker, project, named("books"), limited(Some(1))).await),
    ] {
        assert!(refused.contains("role user or above"), "{refused}");
    }
}

#[tokio::test]
async fn tags_of_a_spider_are_changed_and_limited_in_number() {
    let world = World::new();
    world.push_many(1).await;
    let update = async |spider, changes: TagChanges| {
        let user = caller(Role::User);
        let spider = SpiderRef::Number(number(spider));
        world.domain.update_spider(&user, world.project, spider, tagged(changes)).await
    };
    let add = |tags| TagChanges { add: tags, ..TagChanges::default() };
    assert_eq!(update(1, add(tags(&["x"]))).await.unwrap().tags, tags(&["x"]));
    let many = Tags::parse((0..MAX_TAGS).map(|n| n.to_string())).unwrap();
    let refusal = "add: a spider may have at most 64 tags";
    assert_eq!(message(update(1, add(many)).await), refusal);
    let refusal = "add: is required, or remove";
    assert_eq!(message(update(1, TagChanges::default()).await), refusal);
    assert_eq!(message(update(2, add(tags(&["x"]))).await), "there is no spider 53/2");
}

#[tokio::test]
async fn a_limited_spider_starts_no_more_jobs_than_that() {
    let world = World::new();
    world.push_many(2).await;
    let user = caller(Role::User);
    let limit = async |spider, most| {
        world.domain.update_spider(&user, world.project, spider, limited(most)).await
    };
    let by_number = |n| SpiderRef::Number(number(n));
    assert_eq!(limit(by_number(1), None).await.unwrap().max_running, None);
    assert_eq!(limit(named("books"), Some(1)).await.unwrap().max_running, Some(1));
    assert_eq!(message(limit(by_number(2), Some(1)).await), "there is no spider 53/2");
    let unknown = "project 53 has no spider news";
    assert_eq!(message(limit(named("news"), Some(1)).await), unknown);
    world.start().await;
    let start = start_job(world.project);
    assert!(world.domain.start_job(&caller(Role::Worker), start, None).await.unwrap().is_none());
}

#[tokio::test]
async fn tags_and_limit_are_set_in_one_call_and_nothing_is_refused() {
    let world = World::new();
    world.push_many(1).await;
    let (user, project) = (caller(Role::User), world.project);
    let both = SpiderUpdate {
        max_running: Some(Some(0)),
        ..tagged(TagChanges { add: tags(&["x"]), ..TagChanges::default() })
    };
    let spider = world.domain.update_spider(&user, project, named("books"), both).await.unwrap();
    assert_eq!((spider.tags, spider.max_running), (tags(&["x"]), Some(0)));
    let nothing = SpiderUpdate::default();
    let refused = world.domain.update_spider(&user, project, named("books"), nothing).await;
    assert_eq!(message(refused), "update_mask: is required, or tag_changes");
}
