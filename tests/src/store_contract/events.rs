//! Events of a project: which changes make one, in which order, and how a reader learns that it
//! has missed some.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use spiderq_core::{
    model::{JobKey, Millis, State},
    store::{
        Effect, EventCursor, EventKind, Events, JobEvent, MAX_BATCH, MAX_EVENTS, Pruned, Retention,
        Step, Store,
    },
};

use super::{notify::notified, world::*};

/// What was read of the events of a project. Cases know events by their numbers; the stamps, which
/// differ from run to run, are kept here.
struct Log<'a> {
    world: &'a World,
    seen: Mutex<BTreeMap<u64, EventCursor>>,
}

impl<'a> Log<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, seen: Mutex::default() }
    }

    /// The answer, without stamps.
    async fn ask(&self, after: Option<EventCursor>, limit: usize) -> Events {
        let events = self.world.store.events(self.world.project, after, limit);
        let Events::These { mut events, last } = events.await.unwrap() else {
            return Events::Gone;
        };
        let mut seen = self.seen.lock().unwrap();
        seen.insert(last.number, last);
        for event in &mut events {
            seen.insert(event.cursor.number, event.cursor);
            event.cursor.stamp = 0;
        }
        Events::These { events, last: at(last.number) }
    }

    /// Events after one that was read before.
    async fn read(&self, after: u64, limit: usize) -> Events {
        let after = self.cursor(after);
        self.ask(Some(after), limit).await
    }

    fn cursor(&self, number: u64) -> EventCursor {
        self.seen.lock().unwrap()[&number]
    }

    /// Number of the last event: where a reader begins that wants only new ones.
    async fn now(&self) -> u64 {
        match self.ask(None, MAX_BATCH).await {
            Events::These { events, last } => {
                assert_eq!(events, []);
                last.number
            }
            Events::Gone => panic!("from now on is never gone"),
        }
    }
}

const fn at(number: u64) -> EventCursor {
    EventCursor { number, stamp: 0 }
}

fn these(events: Vec<JobEvent>, last: u64) -> Events {
    Events::These { events, last: at(last) }
}

fn entry(number: u64, key: JobKey, previous: Option<State>, state: State) -> JobEvent {
    JobEvent { cursor: at(number), key, state, previous, stop: false }
}

/// Events are kept from the first read of the project's events on.
pub async fn events_begin_with_the_first_call(world: World) {
    let log = Log::of(&world);
    let key = world.add(T, pending("s")).await;
    let begin = log.now().await;
    assert_eq!(log.now().await, begin);
    assert_eq!(log.read(begin, MAX_BATCH).await, these(Vec::new(), begin));
    world.claim(T).await.unwrap();
    let event = entry(begin + 1, key, Some(State::Pending), State::Running);
    let expected = these(vec![event], begin + 1);
    assert_eq!(log.read(begin, MAX_BATCH).await, expected);
    assert_eq!(log.now().await, begin + 1);
}

/// An event has the state before it, and numbers have no gap.
pub async fn each_entry_is_an_event(world: World) {
    let log = Log::of(&world);
    let begin = log.now().await;
    let jobs = State::ALL.map(|state| in_state("s", state));
    world.push(T, jobs.to_vec()).await;
    let [first, second, third, _] = [1, 2, 3, 4].map(|job| world.key(1, job));
    world.claim(T).await.unwrap();
    world.apply(T, requeue(first)).await;
    world.change(T, vec![finish(first), delete(second), delete(third)]).await;
    world.store.purge(second).await.unwrap();
    world.apply(T, delete(first)).await;
    use State::{Deleted, Finished, Pending, Running};
    let entries = [
        (1, None, Pending),
        (2, None, Running),
        (3, None, Finished),
        (4, None, Deleted),
        (1, Some(Pending), Running),
        (1, Some(Running), Pending),
        (1, Some(Pending), Finished),
        (2, Some(Running), Deleted),
        (3, Some(Finished), Deleted),
        // The purge.
        (2, Some(Deleted), Deleted),
        (1, Some(Finished), Deleted),
    ];
    let events = entries.into_iter().zip(begin + 1..);
    let events = events
        .map(|((job, previous, state), number)| entry(number, world.key(1, job), previous, state));
    let expected = these(events.collect(), begin + 11);
    assert_eq!(log.read(begin, MAX_BATCH).await, expected);
}

/// Only the JSON value `true` is a request to stop, and only the first one makes an event.
pub async fn a_request_to_stop_is_an_event_once(world: World) {
    let log = Log::of(&world);
    world.push(T, vec![in_state("s", State::Running), pending("s")]).await;
    let [running, waits] = [1, 2].map(|job| world.key(1, job));
    let begin = log.now().await;
    let ask = |key, json| {
        let effect = Effect { set: metadata(&[("stop_requested", json)]), ..Effect::default() };
        always(key, effect)
    };
    let stopped =
        Effect { set: metadata(&[("stop_requested", "true")]), ..entering(State::Finished) };
    let changes = vec![
        ask(running, "false"),
        ask(running, "\"true\""),
        ask(running, "true"),
        ask(running, "true"),
        always(running, Effect::default()),
        always(waits, stopped),
    ];
    world.change(T, changes).await;
    let stop =
        JobEvent { stop: true, ..entry(begin + 1, running, Some(State::Running), State::Running) };
    let end = entry(begin + 2, waits, Some(State::Pending), State::Finished);
    let expected = these(vec![stop, end], begin + 2);
    assert_eq!(log.read(begin, MAX_BATCH).await, expected);
}

/// Only a running job has a worker that could stop.
pub async fn a_pending_job_that_is_asked_to_stop_makes_no_event(world: World) {
    let log = Log::of(&world);
    let begin = log.now().await;
    let key = world.add(T, pending("s")).await;
    let asked = Effect { set: metadata(&[("stop_requested", "true")]), ..Effect::default() };
    world.apply(T, always(key, asked)).await;
    let added = entry(begin + 1, key, None, State::Pending);
    let expected = these(vec![added], begin + 1);
    assert_eq!(log.read(begin, MAX_BATCH).await, expected);
}

/// Neither are duplicates, and changes that keep the state.
pub async fn refusals_and_heartbeats_are_no_events(world: World) {
    let log = Log::of(&world);
    world.set(&[("max_running", "1")]).await;
    let key = world.add(T, unique("s", "u")).await;
    world.claim(T).await.unwrap();
    let begin = log.now().await;
    world.push(T, vec![unique("s", "u"), in_state("s", State::Running)]).await;
    let mut refused = finish(key);
    refused.on = [Step::Refuse; 4];
    let mut kept = finish(key);
    kept.on = [Step::Keep; 4];
    let heartbeat = Effect {
        lease_expires: Some(Millis(T + 100)),
        set: metadata(&[("a", "1")]),
        priority: Some(priority(4)),
        ..Effect::default()
    };
    let changes = vec![kept, always(key, heartbeat), finish(world.key(1, 9))];
    world.change(T, changes).await;
    let nothing = vec![finish(key), refused];
    let changed = world.store.change(world.project, nothing, true, Millis(T), None);
    changed.await.unwrap();
    assert_eq!(world.claim(T).await, None);
    assert_eq!(log.now().await, begin);
    assert_eq!(log.read(begin, MAX_BATCH).await, these(Vec::new(), begin));
}

/// A call repeated under its request id makes no second event.
pub async fn a_repeated_request_is_one_event(world: World) {
    let log = Log::of(&world);
    let begin = log.now().await;
    let request = request("id", "push");
    for _ in 0..2 {
        let jobs = vec![pending("s")];
        let pushed = world.store.push(world.project, jobs, Millis(T), Some(&request));
        pushed.await.unwrap();
    }
    let event = entry(begin + 1, world.key(1, 1), None, State::Pending);
    let expected = these(vec![event], begin + 1);
    assert_eq!(log.read(begin, MAX_BATCH).await, expected);
}

/// A reader reads a part, and the next one from where that ended.
pub async fn a_reader_goes_on_from_its_last_event(world: World) {
    let log = Log::of(&world);
    let begin = log.now().await;
    world.push(T, vec![pending("s"); 5]).await;
    let event = |n: u64| entry(begin + n, world.key(1, n.cast_signed()), None, State::Pending);
    let part = async |after, limit| log.read(begin + after, limit).await;
    assert_eq!(part(0, 2).await, these(vec![event(1), event(2)], begin + 2));
    assert_eq!(part(2, 2).await, these(vec![event(3), event(4)], begin + 4));
    assert_eq!(part(4, 2).await, these(vec![event(5)], begin + 5));
    assert_eq!(part(5, 2).await, these(Vec::new(), begin + 5));
    assert_eq!(part(3, 1).await, these(vec![event(4)], begin + 4));
}

/// Each project numbers its own events.
pub async fn events_are_of_one_project(world: World) {
    let log = Log::of(&world);
    let other = World::new(world.store.clone());
    let theirs = Log::of(&other);
    let (begin, others) = (log.now().await, theirs.now().await);
    let key = other.add(T, pending("s")).await;
    assert_eq!(log.read(begin, MAX_BATCH).await, these(Vec::new(), begin));
    let event = entry(others + 1, key, None, State::Pending);
    let expected = these(vec![event], others + 1);
    assert_eq!(theirs.read(others, MAX_BATCH).await, expected);
}

/// So is a reader whose number was never given. After any of the last [`MAX_EVENTS`] it goes on.
pub async fn a_reader_that_fell_behind_is_answered_gone(world: World) {
    let log = Log::of(&world);
    let begin = log.now().await;
    let ahead = EventCursor { number: begin + 7, ..log.cursor(begin) };
    assert_eq!(log.ask(Some(ahead), MAX_BATCH).await, Events::Gone);
    let batches = MAX_EVENTS / MAX_BATCH as u64 + 1;
    let mut last = begin;
    for _ in 0..batches {
        world.push(T, vec![pending("s"); MAX_BATCH]).await;
        let Events::These { events, .. } = log.read(last, MAX_BATCH).await else {
            panic!("so few are kept");
        };
        assert_eq!(events.len(), MAX_BATCH);
        last += MAX_BATCH as u64;
    }
    for behind in [begin, last - MAX_EVENTS - 1, last - MAX_EVENTS] {
        assert_eq!(log.read(behind, 1).await, Events::Gone);
    }
    let event = |number: u64| {
        let job = (number - begin).cast_signed();
        entry(number, world.key(1, job), None, State::Pending)
    };
    let oldest = last - MAX_EVENTS + 1;
    let expected = these(vec![event(oldest + 1)], oldest + 1);
    assert_eq!(log.read(oldest, 1).await, expected);
    let events: Vec<JobEvent> = (last - 99..=last).map(event).collect();
    let expected = these(events, last);
    assert_eq!(log.read(last - 100, 1_000).await, expected);
    assert_eq!(log.now().await, last);
}

/// A cursor of another history, as a store has it that lost its last events, is of no use here: not
/// where the number was given again, and not where the log begins.
pub async fn a_cursor_with_another_stamp_is_answered_gone(world: World) {
    let log = Log::of(&world);
    let begin = log.now().await;
    world.push(T, vec![pending("s"); 2]).await;
    let all = log.read(begin, MAX_BATCH).await;
    for number in begin..=begin + 2 {
        let cursor = log.cursor(number);
        for stamp in [0, cursor.stamp ^ 1, u64::MAX] {
            let other = EventCursor { stamp, ..cursor };
            assert_eq!(log.ask(Some(other), MAX_BATCH).await, Events::Gone, "{other:?}");
        }
    }
    assert_eq!(log.read(begin, MAX_BATCH).await, all);
}

/// Beside eight writers, a reader sees each event once and in order, and each job's states
/// complete.
pub async fn a_reader_misses_nothing_of_many_writers(world: World) {
    let log = Log::of(&world);
    let begin = log.now().await;
    let writers = (0..8).map(|n| {
        let world = world.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                let key = world.add(T, pending(&format!("s{n}"))).await;
                world.apply(T, always(key, starting())).await;
                world.apply(T, finish(key)).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let (mut after, mut seen) = (begin, Vec::new());
    let mut subscription = world.store.subscribe(world.project).await.unwrap();
    while seen.len() < 8 * 20 * 3 {
        match log.read(after, 7).await {
            Events::These { events, last } => {
                if events.is_empty() {
                    notified(&mut subscription).await;
                }
                seen.extend(events);
                after = last.number;
            }
            Events::Gone => panic!("so few are kept"),
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let numbers: Vec<u64> = seen.iter().map(|event| event.cursor.number).collect();
    assert_eq!(numbers, (begin + 1..=begin + 480).collect::<Vec<_>>());
    seen.sort_by_key(|event| (event.key, event.cursor.number));
    let lives: Vec<_> = seen
        .chunks(3)
        .map(|life| {
            assert!(life.iter().all(|event| event.key == life[0].key));
            [0, 1, 2].map(|n| (life[n].previous, life[n].state))
        })
        .collect();
    use State::{Finished, Pending, Running};
    let life = [(None, Pending), (Some(Pending), Running), (Some(Running), Finished)];
    assert_eq!(lives, vec![life; 160]);
}

/// Whoever removes them, also as too old: a reader learns of it.
pub async fn jobs_that_are_removed_for_good_make_an_event_each(world: World) {
    let log = Log::of(&world);
    let states = [State::Finished, State::Finished, State::Deleted];
    world.push(T, states.map(|state| in_state("s", state)).to_vec()).await;
    let begin = log.now().await;
    let mut waits = world.store.subscribe(world.project).await.unwrap();
    let none = Retention { jobs: Some(0), ..Retention::default() };
    let pruned = world.store.prune(world.project, State::Finished, &none, MAX_BATCH);
    let gone = [1, 2].map(|job| world.key(1, job)).to_vec();
    assert_eq!(pruned.await.unwrap(), Pruned { count: 2, keys: gone });
    notified(&mut waits).await;
    world.store.purge(world.key(1, 3)).await.unwrap();
    let gone = [(1, State::Finished), (2, State::Finished), (3, State::Deleted)];
    let events = gone.into_iter().zip(begin + 1..);
    let events: Vec<JobEvent> = events
        .map(|((job, state), number)| entry(number, world.key(1, job), Some(state), state))
        .collect();
    assert!(events.iter().all(|event| event.kind() == EventKind::Purged));
    let expected = these(events, begin + 3);
    assert_eq!(log.read(begin, MAX_BATCH).await, expected);
}

/// A watch of a project does not make it exist, and sees all from its first job on.
pub async fn a_project_may_be_watched_before_it_exists(store: Arc<dyn Store>) {
    let world = World::new(store);
    let log = Log::of(&world);
    let begin = log.now().await;
    assert_eq!(log.read(begin, MAX_BATCH).await, these(Vec::new(), begin));
    assert_eq!(log.now().await, begin);
    assert_eq!(world.store.projects(None, MAX_BATCH).await.unwrap(), []);
    let key = world.add(T, pending("s")).await;
    let event = entry(begin + 1, key, None, State::Pending);
    assert_eq!(log.read(begin, MAX_BATCH).await, these(vec![event], begin + 1));
}
