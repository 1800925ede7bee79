//! Restoring: a deleted job goes back to the end that it had.

use spiderq_core::{
    model::{FieldSelection, JobKey, Millis, State, StateEntry},
    store::{
        Change, Changed, Effect, Events, Holder, JobEvent, NewJob, ProjectCounts, Pushed,
        Retention, Step,
    },
};

use super::world::*;

/// Goes back to the entry into finished, or enters it by `restorer`; `how` says which.
fn restore(key: JobKey) -> Change {
    let enter = Some((State::Finished, actor("restorer")));
    let note = |json| metadata(&[("how", json)]);
    let back = Effect { enter, restore: true, release: true, set: note("1"), ..Effect::default() };
    let ends = Effect { restore: false, set: note("2"), ..back.clone() };
    let restore = Step::Restore { ended: 0, never_ended: 1 };
    let on = [Step::Keep, Step::Keep, Step::Keep, restore];
    Change { key, holder: Holder::Anyone, unchanged_since: None, on, effects: vec![back, ends] }
}

/// It is as before its deletion, but for what the restore sets.
pub async fn a_restored_job_has_its_old_end(world: World) {
    let job = NewJob { metadata: metadata(&[("a", "1")]), ..tagged("s", &["x"]) };
    let key = world.add(T, job).await;
    world.claim(T + 1).await.unwrap();
    world.apply(T + 2, finish(key)).await;
    let mut expected = world.job(key).await.unwrap();
    world.apply(T + 3, delete(key)).await;
    assert_eq!(world.change(T + 9, vec![restore(key)]).await, [applied(State::Deleted, 1)]);
    expected.updated = Millis(T + 9);
    expected.metadata.extend(metadata(&[("how", "1")]));
    assert_eq!(world.job(key).await, Some(expected));
    let again = world.change(T + 9, vec![restore(key)]).await;
    assert_eq!(again, [Changed::Kept(State::Finished)]);
}

/// It enters finished like any other job.
pub async fn a_job_that_had_not_ended_ends_with_its_restore(world: World) {
    let key = world.add(T, unique("s", "u")).await;
    world.apply(T + 3, delete(key)).await;
    assert_eq!(world.change(T + 5, vec![restore(key)]).await, [applied(State::Deleted, 0)]);
    let job = world.job(key).await.unwrap();
    let entry = |position, by| Some(StateEntry { position, actor: actor(by) });
    let pending = entry(place(T, 0), "pusher");
    let finished = entry(place(T + 5, 0), "restorer");
    assert_eq!(job.entries, [pending, None, finished, None]);
    assert_eq!((job.state, job.position), (State::Finished, place(T + 5, 0)));
    assert_eq!(job.metadata, metadata(&[("how", "2")]));
    // It holds no unique value.
    assert_eq!(world.push(T + 6, vec![unique("s", "u")]).await, [Pushed::Added(world.key(1, 2))]);
}

/// They show it at its old position in finished, between those that finished before and after.
pub async fn lists_and_counts_follow_a_restored_job(world: World) {
    world.push(T, vec![tagged("s", &["x"]); 3]).await;
    let [first, second, third] = [1, 2, 3].map(|job| world.key(1, job));
    for (time, key) in [(1, first), (2, second), (3, third)] {
        world.apply(T + time, finish(key)).await;
    }
    world.apply(T + 4, delete(second)).await;
    world.apply(T + 5, restore(second)).await;
    let mut filter = those(&[State::Finished]);
    for tags in [vec![], tag_list(&["x"])] {
        filter.has_tags = tags;
        assert_eq!(world.list(&filter).await, [third, second, first]);
        assert_eq!(world.count(&filter).await, 3);
    }
    filter.spiders = vec![name("s")];
    (filter.from, filter.until) = (Some(place(T + 2, 0)), Some(place(T + 3, 0)));
    assert_eq!(world.list(&filter).await, [second]);
    filter = those(&[State::Deleted]);
    assert_eq!((world.list(&filter).await, world.count(&filter).await), (vec![], 0));
    let counts = world.store.project_counts(world.project).await.unwrap();
    assert_eq!(counts, ProjectCounts { finished: 3, ..ProjectCounts::default() });
    let row = FieldSelection::Row;
    let last = world.store.last_finished(world.project, &[first.spider], &row).await.unwrap();
    assert_eq!(last[0].as_ref().unwrap().key, third);
}

/// No later entry gets a position that was given before, also right after a restore.
pub async fn a_restore_gives_no_position(world: World) {
    world.push(T, vec![pending("s"); 2]).await;
    let [first, second] = [1, 2].map(|job| world.key(1, job));
    world.apply(T, finish(first)).await;
    world.apply(T, delete(first)).await;
    world.change(T, vec![restore(first), finish(second)]).await;
    let positions = [first, second].map(|key| world.job(key));
    let positions = futures::future::join_all(positions).await.into_iter();
    let positions: Vec<_> = positions.map(|job| job.unwrap().position).collect();
    assert_eq!(positions, [place(T, 2), place(T, 4)]);
}

/// The event says where the job came from.
pub async fn a_restore_is_an_event(world: World) {
    let last = world.store.events(world.project, None, 1).await.unwrap();
    let Events::These { last, .. } = last else { panic!("{last:?}") };
    let key = world.add(T, in_state("s", State::Deleted)).await;
    world.apply(T, restore(key)).await;
    let events = world.store.events(world.project, Some(last), 9).await.unwrap();
    let Events::These { events, last: cursor } = events else { panic!("{events:?}") };
    assert_eq!(cursor.number, last.number + 2);
    let (previous, state) = (Some(State::Deleted), State::Finished);
    assert_eq!(events[1..], [JobEvent { cursor, key, state, previous, stop: false }]);
}

/// Its metadata count for finished jobs again, and it is removed in the order of their ends.
pub async fn retention_finds_a_restored_job_by_its_end(world: World) {
    let sized = NewJob { metadata: metadata(&[("a", "\"xx\"")]), ..pending("s") };
    world.push(T, vec![sized; 2]).await;
    let [first, second] = [1, 2].map(|job| world.key(1, job));
    for (time, key) in [(1, first), (2, second)] {
        world.apply(T + time, finish(key)).await;
    }
    world.apply(T + 3, delete(first)).await;
    world.apply(T + 4, restore(first)).await;
    let prune = async |state, retention| {
        world.store.prune(world.project, state, &retention, 9).await.unwrap().count
    };
    let bytes = |bytes| Retention { bytes: Some(bytes), ..Retention::default() };
    assert_eq!(prune(State::Deleted, bytes(0)).await, 0);
    // `a` of both, and `how` of the first, have 14 bytes in all.
    assert_eq!(prune(State::Finished, bytes(14)).await, 0);
    assert_eq!(prune(State::Finished, bytes(13)).await, 1);
    assert_eq!(world.list(&those(&State::ALL)).await, [second]);
}
