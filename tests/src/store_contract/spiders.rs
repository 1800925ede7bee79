//! Spiders of a project: their list, their tags, and the last job of each.

use spiderq_core::{
    limits::MAX_NUMBER,
    model::{FieldSelection, JobId, SpiderId, State, TagChanges, Tags},
    store::{MAX_BATCH, SpiderRecord, SpiderTagsUpdated},
};

use super::world::*;

/// The highest number that a spider could have.
const LAST: i64 = MAX_NUMBER.cast_signed();

fn record(world: &World, id: i64, spider: &str, texts: &[&str], last: i64) -> SpiderRecord {
    SpiderRecord {
        max_running: None,
        id: world.key(id, 1).spider,
        name: name(spider),
        tags: tags(texts),
        last_job: (last > 0).then(|| JobId::new(last).unwrap()),
    }
}

fn edit(remove: &[&str], add: &[&str]) -> TagChanges {
    TagChanges { clear: false, remove: tag_list(remove), add: tags(add) }
}

async fn edited(world: &World, spider: i64, edit: &TagChanges) -> SpiderTagsUpdated {
    let spider = world.key(spider, 1).spider;
    let done = world.store.update_spider_tags(world.project, spider, edit);
    done.await.unwrap()
}

/// Each has the last number that was given to a job, also if that job was purged.
pub async fn spiders_are_listed_by_number(world: World) {
    let (store, project) = (&world.store, world.project);
    assert_eq!(store.spiders(project, None, MAX_BATCH).await.unwrap(), []);
    assert_eq!(store.spider_count(project).await.unwrap(), 0);
    for spider in ["b", "a", "b"] {
        world.add(T, pending(spider)).await;
    }
    let gone = world.add(T, in_state("a", State::Deleted)).await;
    store.purge(gone).await.unwrap();
    store.spider_id(project, &name("c"), true).await.unwrap();
    assert_eq!(store.spider_count(project).await.unwrap(), 3);
    let expected = [
        record(&world, 1, "b", &[], 2),
        record(&world, 2, "a", &[], 2),
        record(&world, 3, "c", &[], 0),
    ];
    assert_eq!(store.spiders(project, None, MAX_BATCH).await.unwrap(), expected);
    let page = store.spiders(project, Some(expected[0].id), 1).await;
    assert_eq!(page.unwrap(), expected[1..2]);
    for behind in [expected[2].id, SpiderId::new(LAST - 1).unwrap(), SpiderId::new(LAST).unwrap()] {
        assert_eq!(store.spiders(project, Some(behind), MAX_BATCH).await.unwrap(), []);
    }
}

/// As the tags of a job are. Other spiders and existing jobs keep theirs.
pub async fn tags_of_a_spider_are_edited(world: World) {
    for spider in ["a", "b"] {
        world.add(T, pending(spider)).await;
    }
    let done = edited(&world, 1, &edit(&["x"], &["p", "q", "p"])).await;
    assert_eq!(done, SpiderTagsUpdated::Done(tags(&["p", "q"])));
    let done = edited(&world, 1, &edit(&["p"], &["r", "q"])).await;
    assert_eq!(done, SpiderTagsUpdated::Done(tags(&["q", "r"])));
    let spiders = world.store.spiders(world.project, None, MAX_BATCH).await;
    let expected = [record(&world, 1, "a", &["q", "r"], 1), record(&world, 2, "b", &[], 1)];
    assert_eq!(spiders.unwrap(), expected);
    let none = edited(&world, 1, &edit(&["q", "r"], &[])).await;
    assert_eq!(none, SpiderTagsUpdated::Done(Tags::default()));
    // Its job keeps its own tags.
    let job = world.job(world.key(1, 1)).await.unwrap();
    assert_eq!(job.tags, Tags::default());
}

/// Too many tags and an unknown number are refused.
pub async fn a_refused_edit_leaves_a_spider_as_it_was(world: World) {
    world.add(T, pending("a")).await;
    let many: Vec<String> =
        (0..spiderq_core::limits::MAX_TAGS).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let done = edited(&world, 1, &edit(&[], &many)).await;
    assert_eq!(done, SpiderTagsUpdated::Done(tags(&many)));
    let refused = edited(&world, 1, &edit(&[], &["one more"])).await;
    assert_eq!(refused, SpiderTagsUpdated::TooManyTags);
    let spiders = world.store.spiders(world.project, None, MAX_BATCH).await;
    assert_eq!(spiders.unwrap(), [record(&world, 1, "a", &many, 1)]);
    assert_eq!(edited(&world, 2, &edit(&[], &["x"])).await, SpiderTagsUpdated::Missing);
}

/// Names and tags with special characters come back byte for byte.
pub async fn hostile_spiders_are_listed_as_they_are(world: World) {
    let texts = hostile_texts();
    for (text, number) in texts.iter().zip(1..) {
        world.add(T, pending(text)).await;
        let done = edited(&world, number, &edit(&[], &[text, "both"])).await;
        assert_eq!(done, SpiderTagsUpdated::Done(tags(&[text, "both"])));
    }
    let spiders = world.store.spiders(world.project, None, MAX_BATCH).await;
    let expected: Vec<SpiderRecord> = texts
        .iter()
        .zip(1..)
        .map(|(text, number)| record(&world, number, text, &[text, "both"], 1))
        .collect();
    assert_eq!(spiders.unwrap(), expected);
}

/// It need not be the last one that began; deleted jobs do not count.
pub async fn last_finished_is_the_job_that_finished_last(world: World) {
    for (n, spider) in ["a", "a", "a", "b", "c"].into_iter().enumerate() {
        world.add(T + n as u64, in_state(spider, State::Running)).await;
    }
    let [first, second, third] = [1, 2, 3].map(|job| world.key(1, job));
    let other = world.key(2, 1);
    for (n, key) in [third, first, other, second].into_iter().enumerate() {
        world.apply(T + 10 + n as u64, finish(key)).await;
    }
    world.apply(T + 20, delete(second)).await;
    let ids = [3, 1, 9, 2].map(|spider| world.key(spider, 1).spider);
    let last = world.store.last_finished(world.project, &ids, &FieldSelection::Row);
    let keys: Vec<_> = last.await.unwrap().into_iter().map(|job| job.map(|job| job.key)).collect();
    assert_eq!(keys, [None, Some(first), None, Some(other)]);
    let none = world.store.last_finished(world.project, &[], &FieldSelection::Row);
    assert_eq!(none.await.unwrap(), []);
}
