//! The store trait held against a model of it: random calls with a random clock, and every
//! answer compared whole. `model` is the trait in memory, `script` makes the calls up,
//! and this file plays them.

#![allow(
    clippy::unwrap_used,
    reason = "it is a test: what is not as it should be must stop it"
)]

mod model;
mod script;

use spiderq_service::{
    model::{Filter, Job, Millis, SpiderId, State},
    store::{BATCH, Fields, ProjectCounts, RequestKey, Wanted},
};

use self::model::Model;
pub use self::script::{Call, Script, scripts};
use crate::store_contract::{
    World,
    world::{T, request},
};

/// Plays the script on a new project of a store and on the model; their answers must agree.
pub async fn play(world: &World, script: Script) {
    let mut model = Model::new(world.project);
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
            Call::Push(_) | Call::Claim(..) | Call::Purge(_) => {
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
        }
    }
    let all = Filter {
        states: spiderq_service::model::StateSet::ALL,
        ..Filter::default()
    };
    let left = walk(world, &all, 7, &Fields::Full).await;
    assert_eq!(left, model.list(&all, &Fields::Full));
    assert_eq!(
        world.store.project_counts(world.project).await.unwrap(),
        counts(&left)
    );
    last_finished(world, &left).await;
}

/// What the jobs come to.
fn counts(jobs: &[Job]) -> ProjectCounts {
    let those = |state| jobs.iter().filter(move |job| job.state == state);
    ProjectCounts {
        pending: those(State::Pending).count() as u64,
        running: those(State::Running).count() as u64,
        finished: those(State::Finished).count() as u64,
        running_units: those(State::Running)
            .map(|job| u64::from(job.units.get()))
            .sum(),
    }
}

/// Of each spider the finished job that the list shows first, and no other.
async fn last_finished(world: &World, jobs: &[Job]) {
    let (store, project) = (&world.store, world.project);
    let spiders = store.spiders(project, None, BATCH).await.unwrap();
    let ids: Vec<SpiderId> = spiders.iter().map(|spider| spider.id).collect();
    let found = store.last_finished(project, &ids, &Fields::Full).await;
    let finished = |id: &SpiderId| {
        let mut jobs = jobs.iter();
        let last = jobs.find(|job| job.key.spider == *id && job.state == State::Finished);
        last.cloned()
    };
    let expected: Vec<Option<Job>> = ids.iter().map(finished).collect();
    assert_eq!(found.unwrap(), expected);
}

/// Makes a call that writes, twice if it has a request id.
async fn write(world: &World, model: &mut Model, call: Call, now: Millis, id: Option<&RequestKey>) {
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
        Call::Claim(spiders, effect) => {
            let expected = model.claim(&spiders, &effect, now);
            let wanted = Wanted {
                spiders,
                ..Wanted::default()
            };
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
        Call::Get(..) | Call::List(..) | Call::Oldest(_) => unreachable!("a read"),
    }
}

async fn walk(world: &World, filter: &Filter, limit: usize, fields: &Fields) -> Vec<Job> {
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
