use super::*;
use crate::domain::{PushJob, test_world::*};
use spiderq_core::{model::State, store::EventKind};

fn query(world: &World) -> WatchQuery {
    WatchQuery { project: world.project, spider: None, key: None, after: None, progress: false }
}

async fn watch(world: &World, query: WatchQuery) -> Watch {
    world.domain.watch_jobs(&caller(Role::Read), query).await.unwrap()
}

/// What comes next: number of the job, its state before the event, and that after it.
async fn next(watch: &mut Watch) -> Vec<(u64, Option<State>, State)> {
    let item = |item| match item {
        WatchItem::Event(event, _) => (event.key.job.get(), event.previous, event.state),
        WatchItem::Skipped(last) => panic!("skipped up to {last:?}"),
        WatchItem::Progress(progress) => panic!("{progress:?}"),
    };
    watch.next().await.unwrap().into_iter().map(item).collect()
}

#[tokio::test]
async fn events_come_in_order_from_the_beginning_of_the_watch() {
    let world = World::new();
    let key = world.push_in(State::Pending).await;
    let mut watch = watch(&world, query(&world)).await;
    world.start().await;
    let keys = [key];
    world.domain.stop_keys(&caller(Role::User), world.project, &keys, None).await.unwrap();
    let running = State::Running;
    let expected = [(1, Some(State::Pending), running), (1, Some(running), running)];
    assert_eq!(next(&mut watch).await, expected);
}

#[tokio::test]
async fn an_event_comes_with_the_job_as_it_is_now() {
    let world = World::new();
    let mut watch = watch(&world, query(&world)).await;
    let key = world.push_in(State::Deleted).await;
    let items = watch.next().await.unwrap();
    assert!(matches!(&items[..], [WatchItem::Event(_, Some(job))] if job.key == key));
    let other = world.push_in(State::Deleted).await;
    world.domain.purge_job(&caller(Role::User), other).await.unwrap();
    let items = watch.next().await.unwrap();
    let kinds = items.iter().map(|item| match item {
        WatchItem::Event(event, None) => event.kind(),
        WatchItem::Event(_, Some(_)) | WatchItem::Progress(_) | WatchItem::Skipped(_) => {
            panic!("it was purged: {item:?}")
        }
    });
    assert_eq!(kinds.collect::<Vec<_>>(), [EventKind::Created, EventKind::Purged]);
}

#[tokio::test]
async fn a_watch_goes_on_after_the_last_event_of_the_one_before() {
    let world = World::new();
    let mut first = watch(&world, query(&world)).await;
    world.push_many(1).await;
    next(&mut first).await;
    world.push_many(1).await;
    let mut second = watch(&world, WatchQuery { after: Some(first.last()), ..query(&world) }).await;
    assert_eq!(next(&mut second).await, [(2, None, State::Pending)]);
}

#[tokio::test]
async fn a_watch_of_a_spider_or_a_job_shows_no_others() {
    let world = World::new();
    let spider = Some(SpiderRef::Name(spider_name("news")));
    // The spider has no number yet.
    let mut spider = watch(&world, WatchQuery { spider, ..query(&world) }).await;
    let mut job = watch(&world, WatchQuery { key: Some(world.key(2)), ..query(&world) }).await;
    world.push_many(2).await;
    world.push(push_job("news")).await;
    let events = spider.next().await.unwrap();
    assert!(matches!(&events[..], [WatchItem::Event(event, _)] if event.key.spider.get() == 2));
    assert_eq!(next(&mut job).await, [(2, None, State::Pending)]);
}

#[tokio::test]
async fn a_cursor_of_no_event_or_of_another_history_is_gone() {
    let world = World::new();
    let last = watch(&world, query(&world)).await.last();
    let ahead = EventCursor { number: last.number + 1, ..last };
    let other = EventCursor { stamp: last.stamp ^ 1, ..last };
    for cursor in [ahead, other] {
        let query = WatchQuery { after: Some(cursor), ..query(&world) };
        let refused = world.domain.watch_jobs(&caller(Role::Read), query).await;
        assert!(matches!(refused, Err(Error::CursorGone)), "{cursor:?}");
    }
}

#[tokio::test]
async fn a_cursor_whose_next_event_is_no_longer_kept_is_gone() {
    let world = World::new();
    let begin = watch(&world, query(&world)).await.last();
    for _ in 0..=spiderq_core::limits::MAX_EVENTS / 1_000 {
        world.push_many(1_000).await;
    }
    let behind = WatchQuery { after: Some(begin), ..query(&world) };
    let refused = world.domain.watch_jobs(&caller(Role::Read), behind).await;
    assert!(matches!(refused, Err(Error::CursorGone)));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_shows_nothing_says_how_far_it_is() {
    let world = World::new();
    let spider = Some(SpiderRef::Name(spider_name("news")));
    let mut watch = watch(&world, WatchQuery { spider, ..query(&world) }).await;
    assert!(watch.next().await.unwrap().is_empty(), "nothing came in time");
    world.push_many(MAX_SILENT_EVENTS).await;
    let items = watch.next().await.unwrap();
    let skipped = EventCursor { number: 1_000, ..watch.last() };
    assert!(matches!(items[..], [WatchItem::Skipped(last)] if last == skipped), "{items:?}");
}

#[tokio::test]
async fn a_token_watches_its_own_job_only() {
    let world = World::new();
    world.push_many(1).await;
    let token = token_of(&world.start().await);
    let own = WatchQuery { key: Some(world.key(1)), ..query(&world) };
    world.domain.watch_jobs(&token, own).await.unwrap();
    let refusal = "a job token reaches only its own job, 53/1/1";
    for key in [None, Some(world.key(2))] {
        let refused = world.domain.watch_jobs(&token, WatchQuery { key, ..query(&world) }).await;
        assert_eq!(message(refused), refusal);
    }
}

#[tokio::test]
async fn events_of_large_jobs_come_a_few_at_a_time_and_each_once() {
    let world = World::new();
    let mut watch = watch(&world, query(&world)).await;
    for _ in 0..5 {
        let arguments = format!("{{\"a\":\"{}\"}}", "x".repeat(400 << 10));
        let metadata = metadata(&[("spider_args", &arguments)]);
        world.push(PushJob { metadata, ..push_job("books") }).await;
    }
    let mut seen = Vec::new();
    for expected in [3, 2] {
        let events = next(&mut watch).await;
        assert_eq!(events.len(), expected);
        seen.extend(events.into_iter().map(|(job, ..)| job));
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn the_store_is_read_once_at_the_beginning_and_once_each_time_a_watch_is_woken() {
    let world = World::new();
    let reads = || world.store.event_reads();
    let mut watch = watch(&world, query(&world)).await;
    assert_eq!(reads(), 1);
    for number in 1..=3 {
        world.push_many(1).await;
        assert_eq!(next(&mut watch).await, [(number, None, State::Pending)]);
        assert_eq!(reads(), 1 + number as usize);
    }
    // What is woken for nothing, here by a timeout, finds nothing once.
    assert!(next(&mut watch).await.is_empty());
    assert_eq!(reads(), 5);
    // A whole page says nothing of what comes after it.
    world.push_many(MAX_BATCH + 1).await;
    for expected in [MAX_BATCH, 1] {
        assert_eq!(next(&mut watch).await.len(), expected);
    }
    assert_eq!(reads(), 7);
}

#[tokio::test]
async fn a_watch_from_an_earlier_place_reads_before_it_waits() {
    let world = World::new();
    let begin = watch(&world, query(&world)).await.last();
    world.push_many(1).await;
    let mut late = watch(&world, WatchQuery { after: Some(begin), ..query(&world) }).await;
    assert_eq!(next(&mut late).await, [(1, None, State::Pending)]);
}
