//! The store trait held against a model of it: random calls with a random clock, and every
//! answer compared whole. `model` is the trait in memory, `script` makes the calls up,
//! and this file plays them.

#![allow(clippy::unwrap_used, reason = "it is a test: what is not as it should be must stop it")]

mod model;
mod script;

use spiderq_core::{
    model::{FieldSelection, Filter, Job, JobKey, Millis, SpiderId, State},
    store::{
        Events, JobEvent, MAX_BATCH, MAX_RUNNING, ProjectCounts, RequestDigest, SettingsChange,
    },
};

use self::model::Model;
pub use self::script::{Call, Script, scripts};
use crate::store_contract::{
    World,
    world::{T, field_name, metadata, request},
};

/// Plays the script on a new project of a store and on the model; their answers must agree.
pub async fn play(world: &World, script: Script) {
    let mut model = Model::new(world.project);
    let begin = events(world, None).await.1;
    for (number, (time, repeat, call)) in script.into_iter().enumerate() {
        let now = Millis(T + time);
        let id = repeat.then(|| request(&format!("{number}"), "call"));
        match call {
            // Keys are made up without their project.
            Call::Change(mut changes, all_or_nothing) => {
                for change in &mut changes {
                    change.key.project = world.project;
                }
                let call = Call::Change(changes, all_or_nothing);
                write(world, &mut model, call, now, id.as_ref()).await;
            }
            Call::Push(_)
            | Call::Claim(..)
            | Call::Purge(_)
            | Call::RunningLimit(..)
            | Call::LimitSpider(..) => {
                write(world, &mut model, call, now, id.as_ref()).await;
            }
            Call::Get(mut keys, fields) => {
                keys.iter_mut().for_each(|key| key.project = world.project);
                let got = world.store.get(&keys, &fields).await.unwrap();
                assert_eq!(got, model.get(&keys, &fields));
            }
            Call::List(filter, limit, fields) => {
                let listed = walk(world, &filter, limit, &fields).await;
                assert_eq!(listed, model.list(&filter, &fields));
                assert_eq!(world.count(&filter).await, listed.len() as u64);
            }
            Call::Oldest(limit) => {
                let oldest = world.store.oldest_pending(world.project, limit);
                assert_eq!(oldest.await.unwrap(), model.oldest_pending(limit));
            }
            Call::Due(postpone) => due(world, &mut model, now, postpone).await,
        }
    }
    let all = Filter { states: spiderq_core::model::StateSet::ALL, ..Filter::default() };
    let left = walk(world, &all, 7, &FieldSelection::Full).await;
    assert_eq!(left, model.list(&all, &FieldSelection::Full));
    assert_eq!(world.store.project_counts(world.project).await.unwrap(), counts(&left));
    last_finished(world, &left).await;
    let (mut told, last) = events(world, Some(begin)).await;
    assert_eq!(last, begin + model.events.len() as u64);
    told.iter_mut().for_each(|event| event.number -= begin);
    assert_eq!(told, model.events);
}

/// Events after one, and the number of the last.
async fn events(world: &World, after: Option<u64>) -> (Vec<JobEvent>, u64) {
    match world.store.events(world.project, after, 1_000).await {
        Ok(Events::These { events, last }) => (events, last),
        other => panic!("{other:?}"),
    }
}

/// What is due of the project, the soonest first; may postpone one of that.
async fn due(world: &World, model: &mut Model, now: Millis, postpone: Option<u64>) {
    let found = world.store.due(now, 100_000).await.unwrap();
    let mut found: Vec<JobKey> =
        found.into_iter().filter(|key| key.project == world.project).collect();
    let mut expected = model.due(now);
    let time = |key: &JobKey| expected.iter().find(|due| due.1 == *key).map(|due| due.0);
    assert!(found.is_sorted_by_key(time), "{found:?}, of {expected:?}");
    let first = found.first().copied();
    found.sort_unstable();
    expected.sort_unstable_by_key(|due| due.1);
    assert_eq!(found, expected.iter().map(|due| due.1).collect::<Vec<_>>());
    if let (Some(key), Some(time)) = (first, postpone) {
        let until = Millis(now.0 + time);
        world.store.postpone(key, until).await.unwrap();
        model.postpone(key, until);
    }
}

/// What the jobs come to.
fn counts(jobs: &[Job]) -> ProjectCounts {
    let those = |state| jobs.iter().filter(move |job| job.state == state);
    ProjectCounts {
        pending: those(State::Pending).count() as u64,
        running: those(State::Running).count() as u64,
        finished: those(State::Finished).count() as u64,
        running_units: those(State::Running).map(|job| u64::from(job.units.get())).sum(),
    }
}

/// Of each spider the finished job that the list shows first, and no other.
async fn last_finished(world: &World, jobs: &[Job]) {
    let (store, project) = (&world.store, world.project);
    let spiders = store.spiders(project, None, MAX_BATCH).await.unwrap();
    let ids: Vec<SpiderId> = spiders.iter().map(|spider| spider.id).collect();
    let found = store.last_finished(project, &ids, &FieldSelection::Full).await;
    let finished = |id: &SpiderId| {
        let mut jobs = jobs.iter();
        let last = jobs.find(|job| job.key.spider == *id && job.state == State::Finished);
        last.cloned()
    };
    let expected: Vec<Option<Job>> = ids.iter().map(finished).collect();
    assert_eq!(found.unwrap(), expected);
}

/// Makes a call that writes, twice if it has a request id.
async fn write(
    world: &World,
    model: &mut Model,
    call: Call,
    now: Millis,
    id: Option<&RequestDigest>,
) {
    let (store, project) = (&world.store, world.project);
    let times = 1 + usize::from(id.is_some());
    match call {
        Call::Push(jobs) => {
            let expected = model.push(jobs.clone(), now);
            for _ in 0..times {
                let pushed = store.push(project, jobs.clone(), now, id).await.unwrap();
                assert_eq!(pushed, expected);
            }
        }
        Call::Claim(wanted, effect) => {
            let expected = model.claim(&wanted, &effect, now);
            for _ in 0..times {
                let claimed = store.claim(project, &wanted, &effect, now, id);
                assert_eq!(claimed.await.unwrap(), expected);
            }
        }
        Call::Change(changes, all) => {
            let expected = model.change(&changes, all, now);
            for _ in 0..times {
                let changed = store.change(project, changes.clone(), all, now, id);
                assert_eq!(changed.await.unwrap(), expected);
            }
        }
        Call::Purge(mut key) => {
            key.project = project;
            assert_eq!(store.purge(key).await.unwrap(), model.purge(key));
        }
        Call::RunningLimit(name, most) => {
            if name == MAX_RUNNING {
                model.max_running = most;
            } else {
                model.max_running_units = most;
            }
            let change = match most {
                Some(most) => SettingsChange::Merge(metadata(&[(name, &most.to_string())])),
                None => SettingsChange::Remove(vec![field_name(name)]),
            };
            assert!(store.change_settings(project, change).await.unwrap());
        }
        Call::LimitSpider(spider, most) => {
            let expected = model.limit_spider(spider, most);
            let limited = store.limit_spider(project, spider, most);
            assert_eq!(limited.await.unwrap(), expected);
        }
        Call::Get(..) | Call::List(..) | Call::Oldest(_) | Call::Due(_) => unreachable!("a read"),
    }
}

async fn walk(world: &World, filter: &Filter, limit: usize, fields: &FieldSelection) -> Vec<Job> {
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
