//! What a change does and what it refuses, and the end of a job.

use spiderq_core::{
    model::{Counters, Millis, State, StateEntry, Units},
    store::{Change, Changed, Effect, Holder, Purged, Step},
};

use super::world::*;

/// A change does what it lists for the state that the job is in.
pub async fn each_state_has_its_own_step(world: World) {
    let states = State::ALL.map(|state| in_state("s", state)).to_vec();
    world.push(T, states).await;
    let mark = |json| Effect { set: metadata(&[("mark", json)]), ..Effect::default() };
    let change = |job| Change {
        key: world.key(1, job),
        holder: Holder::Anyone,
        unchanged_since: None,
        on: [Step::Apply(1), Step::Keep, Step::Refuse, Step::Apply(0)],
        effects: vec![mark("0"), mark("1")],
    };
    let changed = world.change(T + 5, (1..=5).map(change).collect()).await;
    assert_eq!(
        changed,
        [
            applied(State::Pending, 0),
            Changed::Kept(State::Running),
            Changed::Refused(State::Finished),
            applied(State::Deleted, 0),
            Changed::Missing,
        ]
    );
    let mut seen = Vec::new();
    for job in 1..=4 {
        let found = world.job(world.key(1, job)).await.unwrap();
        seen.push((found.updated.0, found.metadata));
    }
    let none = metadata(&[]);
    let (zero, one) = (metadata(&[("mark", "0")]), metadata(&[("mark", "1")]));
    assert_eq!(seen, [(T + 5, one), (T, none.clone()), (T, none), (T + 5, zero)]);
}

/// A job of a project that was never used is missing.
pub async fn a_job_of_an_unknown_project_is_missing(world: World) {
    let key = world.key(1, 1);
    assert_eq!(world.change(T, vec![finish(key)]).await, [Changed::Missing]);
    assert_eq!(world.job(key).await, None);
    assert_eq!(world.store.purge(key).await.unwrap(), Purged::Missing);
    assert_eq!(world.count(&those(&State::ALL)).await, 0);
    assert_eq!(world.list(&those(&State::ALL)).await, []);
}

/// An entry into a state has a new position; the entries into earlier states stay.
pub async fn a_state_entry_has_a_position_and_an_actor(world: World) {
    let key = world.add(T, pending("s")).await;
    world.claim(T + 10).await.unwrap();
    world.apply(T + 20, finish(key)).await;
    world.apply(T + 5, delete(key)).await;
    let job = world.job(key).await.unwrap();
    let entry = |position, by| Some(StateEntry { position, actor: actor(by) });
    assert_eq!(
        job.entries,
        [
            entry(place(T, 0), "pusher"),
            entry(place(T + 10, 0), "worker"),
            entry(place(T + 20, 0), "ender"),
            entry(place(T + 20, 1), "ender"),
        ]
    );
    assert_eq!(job.position, place(T + 20, 1));
    assert_eq!((job.state, job.updated), (State::Deleted, Millis(T + 21)));
}

/// Changes of one call are done in order: the second sees what the first did.
pub async fn changes_of_one_call_are_done_in_order(world: World) {
    let key = world.add(T, pending("s")).await;
    let keep_finished =
        Change { on: [Step::Apply(0), Step::Apply(0), Step::Keep, Step::Refuse], ..finish(key) };
    let changes = vec![
        always(key, starting()),
        keep_finished.clone(),
        keep_finished.clone(),
        delete(key),
        keep_finished,
    ];
    assert_eq!(
        world.change(T, changes).await,
        [
            applied(State::Pending, 1),
            applied(State::Running, 1),
            Changed::Kept(State::Finished),
            applied(State::Finished, 1),
            Changed::Refused(State::Deleted),
        ]
    );
}

/// After one refusal in an all-or-nothing call every job is as it was; the other answers say
/// what would have been done.
pub async fn all_or_nothing_applies_none_after_a_refusal(world: World) {
    let states = [State::Pending, State::Running, State::Finished];
    world.push(T, states.map(|state| in_state("s", state)).to_vec()).await;
    let change = |job| Change {
        on: [Step::Apply(0), Step::Refuse, Step::Keep, Step::Keep],
        ..delete(world.key(1, job))
    };
    let all = async |jobs: &[i64]| {
        let changes = jobs.iter().map(|job| change(*job)).collect();
        let changed = world.store.change(world.project, changes, true, Millis(T + 1), None);
        untimed(changed.await.unwrap())
    };
    let before = world.list(&those(&State::ALL)).await;
    let first = world.job(world.key(1, 1)).await;
    assert_eq!(
        all(&[1, 2, 3, 9]).await,
        [
            applied(State::Pending, 0),
            Changed::Refused(State::Running),
            Changed::Kept(State::Finished),
            Changed::Missing,
        ]
    );
    assert_eq!(world.list(&those(&State::ALL)).await, before);
    assert_eq!(world.job(world.key(1, 1)).await, first);
    // A missing job does not count as a refusal.
    assert_eq!(
        all(&[1, 3, 9]).await,
        [applied(State::Pending, 0), Changed::Kept(State::Finished), Changed::Missing,]
    );
    let deleted = world.list(&those(&[State::Deleted])).await;
    assert_eq!(deleted, [world.key(1, 1)]);
    // A change that was undone has taken no position.
    let job = world.job(world.key(1, 1)).await.unwrap();
    assert_eq!(job.position, place(T + 1, 0));
}

/// Each kind of refusal undoes an all-or-nothing call.
pub async fn each_kind_of_refusal_stops_all(world: World) {
    world.push(T, vec![pending("s"); 2]).await;
    let (key, other) = (world.key(1, 1), world.key(1, 2));
    let many: Vec<String> = (0..64).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let tag = |texts: &[&str]| {
        let mut effect = Effect::default();
        effect.tags.add = tags(texts);
        effect
    };
    world.apply(T, always(other, tag(&many))).await;
    let hold = |holder| Change { holder, ..always(other, Effect::default()) };
    let refusals = [
        (hold(Holder::Fence(start(None).fence)), Changed::Stale),
        (hold(Holder::Attempt(1)), Changed::Stale),
        (hold(Holder::StartedBy(actor("worker"))), Changed::NotHeld),
        (always(other, tag(&["one more"])), Changed::TooManyTags),
    ];
    let first = world.job(key).await;
    for (refused, answer) in refusals {
        let changes = vec![finish(key), refused];
        let changed = world.store.change(world.project, changes, true, Millis(T), None);
        assert_eq!(untimed(changed.await.unwrap()), [applied(State::Pending, 0), answer]);
        assert_eq!(world.job(key).await, first);
    }
}

/// A pending job that gets another priority is claimed in the order of that priority, by its old
/// position.
pub async fn a_new_priority_keeps_the_position(world: World) {
    world.push(T, [2, 3, 2, 3].map(|rank| ranked("s", rank)).to_vec()).await;
    let rank = |job, number| {
        let effect = Effect { priority: Some(priority(number)), ..Effect::default() };
        always(world.key(1, job), effect)
    };
    world.apply(T + 9, rank(3, 3)).await;
    world.apply(T + 9, rank(2, 0)).await;
    let third = world.job(world.key(1, 3)).await.unwrap();
    assert_eq!((third.priority, third.position), (priority(3), place(T, 2)));
    let mut order = Vec::new();
    while let Some(claimed) = world.claim(T + 10).await {
        order.push(claimed.job.key.job.get());
    }
    assert_eq!(order, [3, 4, 1, 2]);
    // Of a job that is not pending, only the stored number changes.
    world.apply(T + 11, rank(1, 4)).await;
    assert_eq!(world.claim(T + 11).await, None);
    let first = world.job(world.key(1, 1)).await.unwrap();
    assert_eq!((first.priority, first.state), (priority(4), State::Running));
}

/// Counters that a change leaves out keep their values.
pub async fn counters_are_merged(world: World) {
    let key = world.add(T, pending("s")).await;
    let set = |counters| {
        let effect = Effect { counters, units: Some(Units::new(3).unwrap()), ..Effect::default() };
        always(key, effect)
    };
    let some = Counters { items: Some(5), errors: Some(0), ..Counters::default() };
    let others =
        Counters { items: Some(9_007_199_254_740_993), pages: Some(7), ..Counters::default() };
    world.apply(T, set(some)).await;
    world.apply(T, set(others)).await;
    let job = world.job(key).await.unwrap();
    assert_eq!(
        job.counters,
        Counters {
            items: Some(9_007_199_254_740_993),
            pages: Some(7),
            logs: None,
            errors: Some(0),
        }
    );
    assert_eq!(job.units, Units::new(3).unwrap());
}

/// The answer says whether the job is asked to stop.
pub async fn a_stop_request_is_answered_with_every_change(world: World) {
    let key = world.add(T, pending("s")).await;
    let set = |fields: &[(&str, &str)]| {
        let effect = Effect { set: metadata(fields), ..Effect::default() };
        always(key, effect)
    };
    let stop_requested = async |change| match world.change(T, vec![change]).await[..] {
        [Changed::Applied { stop_requested, .. }] => stop_requested,
        ref other => panic!("{other:?}"),
    };
    assert!(!stop_requested(set(&[("a", "true")])).await);
    assert!(!stop_requested(set(&[("stop_requested", "\"true\"")])).await);
    assert!(stop_requested(set(&[("stop_requested", "true")])).await);
    assert!(stop_requested(set(&[("b", "1")])).await);
    assert!(stop_requested(set(&[])).await);
    assert!(!stop_requested(set(&[("stop_requested", "false")])).await);
}

/// Only a deleted job can be purged. Its number is not given again, and no tag finds it.
pub async fn a_purged_job_is_gone_for_good(world: World) {
    world.push(T, vec![tagged("s", &["x"]), tagged("s", &["x"])]).await;
    let key = world.key(1, 2);
    let purge = async || world.store.purge(key).await.unwrap();
    assert_eq!(purge().await, Purged::Refused(State::Pending));
    world.apply(T, always(key, starting())).await;
    assert_eq!(purge().await, Purged::Refused(State::Running));
    world.apply(T, finish(key)).await;
    assert_eq!(purge().await, Purged::Refused(State::Finished));
    world.apply(T, delete(key)).await;
    assert_eq!(purge().await, Purged::Done);
    assert_eq!(purge().await, Purged::Missing);
    assert_eq!(world.job(key).await, None);
    assert_eq!(world.change(T, vec![delete(key)]).await, [Changed::Missing]);
    let mut filter = those(&State::ALL);
    assert_eq!(world.list(&filter).await, [world.key(1, 1)]);
    filter.has_tags = tag_list(&["x"]);
    assert_eq!(world.list(&filter).await, [world.key(1, 1)]);
    assert_eq!(world.count(&filter).await, 1);
    filter.spiders = vec![name("s")];
    assert_eq!(world.count(&filter).await, 1);
    assert_eq!(world.add(T, pending("s")).await, world.key(1, 3));
}

/// The condition is checked after the holder and before the state, and only where there is one.
pub async fn a_job_that_was_written_since_is_not_changed(world: World) {
    let key = world.add(T, pending("s")).await;
    let since =
        |time, effect| Change { unchanged_since: Some(Millis(time)), ..always(key, effect) };
    let mark = || Effect { set: metadata(&[("mark", "1")]), ..Effect::default() };
    let done = [applied(State::Pending, 0)];
    assert_eq!(world.change(T + 1, vec![since(T + 1, mark())]).await, [Changed::WrittenSince]);
    assert_eq!(world.job(key).await.unwrap().updated, Millis(T));
    assert_eq!(world.change(T + 1, vec![since(T, mark())]).await, done);
    assert_eq!(world.change(T + 2, vec![since(T, mark())]).await, [Changed::WrittenSince]);
    // The first of a call counts for the second.
    let both = vec![since(T + 1, mark()), since(T + 1, mark()), since(T + 3, mark())];
    let expected = [applied(State::Pending, 0), Changed::WrittenSince, applied(State::Pending, 0)];
    assert_eq!(world.change(T + 3, both).await, expected);
    let refuse = Change { on: [Step::Refuse; 4], ..since(T, Effect::default()) };
    assert_eq!(world.change(T + 4, vec![refuse]).await, [Changed::WrittenSince]);
    let held = Change { holder: Holder::Attempt(1), ..since(T, mark()) };
    assert_eq!(world.change(T + 4, vec![held]).await, [Changed::Stale]);
}

/// So that a condition on the time of the last write finds every write, also one of the same
/// millisecond, and on a clock that was set back.
pub async fn no_two_writes_of_a_job_have_the_same_time(world: World) {
    let key = world.add(T, pending("s")).await;
    let mut times = Vec::new();
    for now in [T, T, T - 5, T + 1, T + 9] {
        let touches = vec![always(key, Effect::default()), always(key, Effect::default())];
        let changed = world.store.change(world.project, touches, false, Millis(now), None).await;
        times.extend(changed.unwrap().iter().map(|one| one.written().unwrap().0 - T));
        let updated = world.job(key).await.unwrap().updated.0;
        assert_eq!(Some(&(updated - T)), times.last());
    }
    assert_eq!(times, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    world.claim(T).await.unwrap();
    assert_eq!(world.job(key).await.unwrap().updated, Millis(T + 11));
}
