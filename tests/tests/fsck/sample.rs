//! A small project with a job of each kind, the report of a check, and the rest of its jobs'
//! lives.

use std::sync::Arc;

use spiderq_core::{
    model::{ClaimFilter, JobKey, Metadata, Millis, State, UniqueKey},
    store::{
        CheckProgress, CheckScope, CheckSummary, Effect, Events, MAX_BATCH, NewAttempt, NewJob,
        Purged, Store,
    },
};
use spiderq_tests::store_contract::{
    World,
    world::{
        T, always, delete, entering, finish, in_state, metadata, pending, ranked, start, starting,
        tagged, tags, those,
    },
};

/// When the lease of the running job ends.
pub(crate) const LEASE: u64 = T + 60_000;
/// What the pending job holds.
pub(crate) fn unique() -> String {
    UniqueKey::of_value("u").as_str().to_owned()
}

/// Spider `a`: 1/1 runs under a lease, 1/2 came back to the front, 1/3 is pending with tags `x` and
/// `y`, a unique key and large metadata. Spider `b`: 2/1 is finished with tag `x`, 2/2 deleted.
/// Events are kept.
pub(crate) async fn begin(store: &Arc<dyn Store>) -> World {
    let world = World::new(store.clone());
    let events = store.events(world.project, None, 1).await.unwrap();
    assert!(matches!(events, Events::These { .. }));
    world.add(T, ranked("a", 4)).await;
    let leased = Effect {
        start: Some(NewAttempt { lease_expires: Some(Millis(LEASE)), ..start(None) }),
        ..starting()
    };
    let wanted = ClaimFilter::default();
    let claimed = store.claim(world.project, &wanted, &leased, Millis(T + 1), None);
    assert_eq!(claimed.await.unwrap().unwrap().job.key, world.key(1, 1));
    world.add(T + 2, ranked("a", 3)).await;
    let back = world.claim(T + 3).await.unwrap().job.key;
    let front = Effect { front: true, ..entering(State::Pending) };
    world.apply(T + 4, always(back, front)).await;
    let rich = NewJob {
        tags: tags(&["x", "y"]),
        unique: Some(UniqueKey::of_value("u")),
        metadata: large(),
        ..pending("a")
    };
    world.add(T + 5, rich).await;
    let done = NewJob { state: State::Finished, ..tagged("b", &["x"]) };
    world.add(T + 6, done).await;
    let gone = world.add(T + 7, in_state("b", State::Finished)).await;
    world.apply(T + 8, delete(gone)).await;
    world
}

fn large() -> Metadata {
    metadata(&[("big", &format!("\"{}\"", "x".repeat(500))), ("small", "1")])
}

/// Checks all; the lines of the findings in order of the alphabet, and what it came to.
pub(crate) async fn check(store: &Arc<dyn Store>, repair: bool) -> (Vec<String>, CheckSummary) {
    let mut lines = Vec::new();
    let mut tell = |told| match told {
        CheckProgress::Finding(finding) => lines.push(finding.to_string()),
        CheckProgress::Unchecked(subject, why) => {
            lines.push(format!("unchecked: {subject}: {why}"))
        }
        CheckProgress::Jobs(_) => {}
    };
    let checked = store.check(&CheckScope::default(), repair, &mut tell).await;
    lines.sort();
    (lines, checked.unwrap())
}

/// Lives all jobs to their end, after which there are none; a new one gets a new number.
pub(crate) async fn end(world: &World) {
    let now = T + 100;
    while world.claim(now).await.is_some() {}
    let all = |states: &[State]| {
        let filter = those(states);
        async move { world.list(&filter).await }
    };
    assert_eq!(all(&[State::Pending]).await, []);
    for key in all(&[State::Running]).await {
        world.apply(now, finish(key)).await;
    }
    let finished = all(&[State::Finished]).await;
    for tag in ["x", "y"] {
        let mut filter = those(&[State::Finished]);
        filter.has_tags = spiderq_tests::store_contract::world::tag_list(&[tag]);
        for key in world.list(&filter).await {
            assert!(finished.contains(&key));
        }
    }
    for key in finished {
        world.apply(now, delete(key)).await;
    }
    let deleted: Vec<JobKey> = all(&[State::Deleted]).await;
    assert!(deleted.len() >= 4 && deleted.len() < MAX_BATCH, "{deleted:?}");
    for key in &deleted {
        assert_eq!(world.store.purge(*key).await.unwrap(), Purged::Done);
    }
    assert_eq!(all(&State::ALL).await, []);
    let counts = world.store.project_counts(world.project).await.unwrap();
    assert_eq!(counts.running_units, 0);
    let again = NewJob { unique: Some(UniqueKey::of_value("u")), ..pending("a") };
    let key = world.add(now, again).await;
    assert_eq!(key, world.key(1, 4));
    world.apply(now, finish(key)).await;
    world.apply(now, delete(key)).await;
    assert_eq!(world.store.purge(key).await.unwrap(), Purged::Done);
}
