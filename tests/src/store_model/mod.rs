//! The random comparison: the same random calls, with a random clock, on a store and on the
//! store in memory; every answer must be equal as a whole. `script` makes the calls up, this file
//! makes them on both.

#![allow(clippy::unwrap_used, reason = "a failed expectation in a comparison must end the test")]

mod script;

use std::{collections::BTreeMap, sync::Arc};

use spiderq_core::{
    error::Error,
    model::{FieldSelection, Filter, Job, JobKey, Metadata, Millis, SpiderId, State, StateSet},
    store::{
        Changed, Claimed, EventCursor, Events, JobEvent, MAX_BATCH, ProjectCounts, Pruned, Purged,
        Pushed, RequestDigest, Retention, SpiderRecord, SpiderTagsUpdated,
    },
};
use spiderq_memory::MemoryStore;

pub use self::script::{Call, Script, scripts};
use crate::store_contract::{
    World,
    world::{T, delete, request},
};

/// What a store answered to a call.
#[derive(Debug, PartialEq)]
enum Answer {
    Pushed(Vec<Pushed>),
    /// Or the job whose attempt is over, where the call is repeated.
    Claimed(Result<Option<Box<Claimed>>, JobKey>),
    Changed(Vec<Changed>),
    Purged(Purged),
    Pruned(Pruned),
    Jobs(Vec<Option<Job>>),
    /// All pages of a list, its count, and how many jobs were left out of it and which were not.
    Listed(Vec<Job>, u64, (u64, Vec<JobKey>)),
    Keys(Vec<JobKey>),
    Done(bool),
    Edited(SpiderTagsUpdated),
}

/// All that a store tells of a project.
#[derive(Debug, PartialEq)]
struct Contents {
    jobs: Vec<Job>,
    counts: ProjectCounts,
    settings: Metadata,
    spiders: Vec<SpiderRecord>,
    last_finished: Vec<Option<Job>>,
}

/// Plays the script in the world's project, which must be new, and in memory.
pub async fn play(world: &World, script: Script) {
    let memory = World { store: Arc::new(MemoryStore::new()), project: world.project };
    let begin = events_after(world, None).await.1;
    let memory_begin = events_after(&memory, None).await.1;
    assert_eq!(memory_begin.number, 0);
    for (number, (time, repeat, call)) in script.into_iter().enumerate() {
        let (now, call) = (Millis(T + time), call.of(world.project));
        if let Call::Due(postpone) = call {
            due(world, &memory, now, postpone).await;
            continue;
        }
        let id = repeat.then(|| request(&format!("{number}"), "call"));
        // A repeated call must be answered like the first.
        for _ in 0..1 + usize::from(repeat) {
            let answered = answer(world, call.clone(), now, id.as_ref()).await;
            assert_eq!(answered, answer(&memory, call.clone(), now, id.as_ref()).await);
        }
    }
    assert_eq!(contents(world).await, contents(&memory).await);
    let events = [(world, begin), (&memory, memory_begin)].map(|(world, begin)| async move {
        let (mut events, last) = events_after(world, Some(begin)).await;
        for event in &mut events {
            let number = event.cursor.number - begin.number;
            event.cursor = EventCursor { number, stamp: 0 };
        }
        (events, last.number - begin.number)
    });
    let [events, expected] = events;
    assert_eq!(events.await, expected.await);
}

async fn answer(world: &World, call: Call, now: Millis, id: Option<&RequestDigest>) -> Answer {
    let (store, project) = (&world.store, world.project);
    match call {
        Call::Push(jobs) => Answer::Pushed(store.push(project, jobs, now, id).await.unwrap()),
        Call::Claim(wanted, effect) => {
            Answer::Claimed(match store.claim(project, &wanted, &effect, now, id).await {
                Err(Error::Stale(job)) => Err(job),
                claimed => Ok(claimed.unwrap().map(Box::new)),
            })
        }
        Call::Change(changes, all_or_nothing) => {
            let changed = store.change(project, changes, all_or_nothing, now, id);
            Answer::Changed(changed.await.unwrap())
        }
        Call::Purge(key) => Answer::Purged(store.purge(key).await.unwrap()),
        Call::Prune(state, keep, limit) => {
            Answer::Pruned(store.prune(project, state, &keep, limit).await.unwrap())
        }
        Call::Get(keys, fields) => Answer::Jobs(store.get(&keys, &fields).await.unwrap()),
        Call::List(filter, limit, fields) => {
            let listed = list(world, &filter, limit, &fields).await;
            let left_out = world.list_after(&filter, limit as u64).await;
            Answer::Listed(listed, world.count(&filter).await, left_out)
        }
        Call::Oldest(limit) => Answer::Keys(store.oldest_pending(project, limit).await.unwrap()),
        Call::Settings(change) => {
            Answer::Done(store.change_settings(project, change).await.unwrap())
        }
        Call::LimitSpider(spider, most) => {
            Answer::Done(store.limit_spider(project, spider, most).await.unwrap())
        }
        Call::TagSpider(spider, edit) => {
            Answer::Edited(store.update_spider_tags(project, spider, &edit).await.unwrap())
        }
        Call::Due(_) => unreachable!("`due` has no order among jobs of one time"),
    }
}

/// All pages of a list.
async fn list(world: &World, filter: &Filter, limit: usize, fields: &FieldSelection) -> Vec<Job> {
    let (mut filter, mut jobs) = (filter.clone(), Vec::new());
    loop {
        let page = world.store.page(world.project, &filter, limit, fields);
        let page = page.await.unwrap();
        assert!(page.jobs.len() <= limit);
        jobs.extend(page.jobs);
        filter.until = page.next;
        if page.next.is_none() {
            return jobs;
        }
    }
}

/// Compares what is due in the project, and postpones the first of it by so many milliseconds.
async fn due(world: &World, memory: &World, now: Millis, postpone: Option<u64>) {
    let found = due_at(world, now).await;
    let mut times = BTreeMap::new();
    for time in T..=now.0 {
        for key in due_at(memory, Millis(time)).await {
            times.entry(key).or_insert(time);
        }
    }
    assert!(found.is_sorted_by_key(|key| times.get(key)), "{found:?}, due at {times:?}");
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, times.into_keys().collect::<Vec<_>>());
    if let (Some(key), Some(time)) = (found.first(), postpone) {
        for world in [world, memory] {
            world.store.postpone(*key, Millis(now.0 + time)).await.unwrap();
        }
    }
}

async fn due_at(world: &World, now: Millis) -> Vec<JobKey> {
    let due = world.store.due(now, 100_000).await.unwrap();
    due.into_iter().filter(|key| key.project == world.project).collect()
}

async fn contents(world: &World) -> Contents {
    let (store, project) = (&world.store, world.project);
    let spiders = store.spiders(project, None, MAX_BATCH).await.unwrap();
    let ids: Vec<SpiderId> = spiders.iter().map(|spider| spider.id).collect();
    let full = FieldSelection::Full;
    let all = Filter { states: StateSet::ALL, ..Filter::default() };
    Contents {
        jobs: list(world, &all, 7, &full).await,
        counts: store.project_counts(project).await.unwrap(),
        settings: store.settings(project).await.unwrap(),
        last_finished: store.last_finished(project, &ids, &full).await.unwrap(),
        spiders,
    }
}

/// Events after one, and the place of the last.
async fn events_after(world: &World, after: Option<EventCursor>) -> (Vec<JobEvent>, EventCursor) {
    match world.store.events(world.project, after, 1_000).await.unwrap() {
        Events::These { events, last } => (events, last),
        Events::Gone => panic!("a script makes fewer events than are kept"),
    }
}

/// Removes the jobs that a script left, so that a store stays small over many scripts.
pub async fn remove_all(world: &World) {
    let live = Filter { states: StateSet::NOT_DELETED, ..Filter::default() };
    let mut left = world.list(&live).await;
    while !left.is_empty() {
        let batch = left.split_off(left.len().saturating_sub(MAX_BATCH));
        world.change(T, batch.into_iter().map(delete).collect()).await;
    }
    let none = Retention { jobs: Some(0), ..Retention::default() };
    while world.store.prune(world.project, State::Deleted, &none, MAX_BATCH).await.unwrap().count
        > 0
    {}
}
