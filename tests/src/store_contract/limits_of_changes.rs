//! How the limits of what runs at a time bind pushes and changes.

use spiderq_core::{
    model::{JobKey, Millis, State, TagChanges, Units},
    store::{Change, Changed, Effect, MAX_BATCH, NewJob, Pushed, RunningLimit, Step},
};

use super::{
    limits::{RUNNING, counts, limit_spider},
    world::*,
};

/// Enters running from any state.
fn run(key: JobKey) -> Change {
    always(key, starting())
}

fn weigh(key: JobKey, units: i64) -> Change {
    let effect = Effect { units: Some(Units::new(units).unwrap()), ..Effect::default() };
    always(key, effect)
}

/// A job that would begin running above a limit is not added and takes no number.
pub async fn a_push_keeps_to_the_limits(world: World) {
    world.set(&[("max_running", "2"), ("max_running_units", "8")]).await;
    let run = |spider: &str, units| weighing(spider, RUNNING, units);
    let added = |spider, job| Pushed::Added(world.key(spider, job));
    let jobs = vec![run("a", 4), run("b", 5), run("b", 4), run("c", 1), pending("c")];
    let expected = [
        added(1, 1),
        Pushed::AtLimit(RunningLimit::Units),
        added(2, 1),
        Pushed::AtLimit(RunningLimit::Running),
        added(3, 1),
    ];
    assert_eq!(world.push(T, jobs).await, expected);
    let names = world.store.spiders(world.project, None, MAX_BATCH).await.unwrap();
    let names: Vec<_> = names.iter().map(|spider| spider.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    // The refused job does not hold its unique value.
    let held = |state| NewJob { state, ..unique("d", "u") };
    let refused = world.push(T, vec![held(RUNNING), held(State::Pending)]).await;
    assert_eq!(refused, [Pushed::AtLimit(RunningLimit::Running), added(4, 1)]);
    world.apply(T, finish(world.key(1, 1))).await;
    world.set(&[("max_running", "9"), ("max_running_units", "99")]).await;
    assert!(limit_spider(&world, 2, Some(2)).await);
    let jobs = vec![run("b", 1), run("b", 1), run("a", 1), in_state("b", State::Finished)];
    let expected = [added(2, 2), Pushed::AtLimit(RunningLimit::Spider), added(1, 2), added(2, 3)];
    assert_eq!(world.push(T, jobs).await, expected);
}

/// The refused job stays as it was.
pub async fn a_change_into_running_keeps_to_the_limits(world: World) {
    world.set(&[("max_running", "2"), ("max_running_units", "8")]).await;
    for (spider, units) in [("a", 5), ("a", 4), ("b", 3), ("b", 1)] {
        world.add(T, weighing(spider, State::Pending, units)).await;
    }
    let [first, second, third, fourth] =
        [(1, 1), (1, 2), (2, 1), (2, 2)].map(|(spider, job)| world.key(spider, job));
    let before = world.job(second).await;
    let done = applied(State::Pending, 1);
    let at = Changed::AtLimit;
    let changes = vec![run(first), run(second), run(third), run(fourth)];
    let expected = [done, at(RunningLimit::Units), done, at(RunningLimit::Running)];
    assert_eq!(world.change(T + 1, changes).await, expected);
    assert_eq!(world.job(second).await, before);
    assert_eq!(counts(&world).await.running_units, 8);
    // A change sees the room that an earlier change of the same call made.
    let changes = vec![finish(first), run(second), run(fourth)];
    let expected = [applied(RUNNING, 1), done, at(RunningLimit::Running)];
    assert_eq!(world.change(T + 2, changes).await, expected);
    world.set(&[("max_running", "9")]).await;
    assert!(limit_spider(&world, 2, Some(1)).await);
    assert_eq!(world.change(T + 3, vec![run(fourth)]).await, [at(RunningLimit::Spider)]);
}

/// One change at a limit undoes all changes of the call.
pub async fn a_limit_refuses_all_or_nothing(world: World) {
    world.set(&[("max_running", "1")]).await;
    let keys = [1, 2].map(|job| world.key(1, job));
    world.push(T, vec![pending("s"); 2]).await;
    let before = world.list(&those(&[State::Pending])).await;
    let all = async |changes| {
        let changed = world.store.change(world.project, changes, true, Millis(T + 1), None);
        untimed(changed.await.unwrap())
    };
    let done = applied(State::Pending, 1);
    let refused = [done, Changed::AtLimit(RunningLimit::Running)];
    assert_eq!(all(keys.map(run).to_vec()).await, refused);
    assert_eq!(world.list(&those(&[State::Pending])).await, before);
    assert_eq!(counts(&world).await.running, 0);
    assert_eq!(all(vec![run(keys[0])]).await, [done]);
    let swap = all(vec![finish(keys[0]), run(keys[1])]).await;
    assert_eq!(swap, [applied(RUNNING, 1), done]);
}

/// Fewer units are always allowed, also above a limit that was lowered.
pub async fn units_of_a_running_job_keep_to_the_limit(world: World) {
    world.push(T, vec![weighing("s", RUNNING, 3), weighing("s", RUNNING, 2)]).await;
    let waits = world.add(T, pending("s")).await;
    let [first, second] = [1, 2].map(|job| world.key(1, job));
    world.set(&[("max_running_units", "6"), ("max_running", "0")]).await;
    let at_limit = Changed::AtLimit(RunningLimit::Units);
    let done = applied(RUNNING, 1);
    let changes = vec![weigh(first, 5), weigh(first, 4), weigh(second, 3)];
    assert_eq!(world.change(T + 1, changes).await, [at_limit, done, at_limit]);
    assert_eq!(counts(&world).await.running_units, 6);
    world.set(&[("max_running_units", "1")]).await;
    let mut same = weigh(first, 4);
    same.effects[0].set = metadata(&[("a", "1")]);
    let changes = vec![same, weigh(second, 1), weigh(second, 2), weigh(waits, 6)];
    let expected = [done, done, at_limit, applied(State::Pending, 0)];
    assert_eq!(world.change(T + 2, changes).await, expected);
    assert_eq!(counts(&world).await.running_units, 5);
}

/// Too many tags or bytes are answered before a limit.
pub async fn the_limit_is_checked_last(world: World) {
    world.set(&[("max_running", "0")]).await;
    let key = world.add(T, pending("s")).await;
    let many: Vec<String> = (0..=spiderq_core::limits::MAX_TAGS).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let with = |edit: TagChanges, max_bytes| Effect {
        tags: edit,
        set: metadata(&[("a", "12345678")]),
        max_bytes,
        ..starting()
    };
    let edit = |from, to| TagChanges { add: tags(&many[from..to]), ..TagChanges::default() };
    world.apply(T, always(key, Effect { tags: edit(0, 1), ..Effect::default() })).await;
    let mut refused = run(key);
    refused.on[State::Pending.index()] = Step::Refuse;
    let changes = vec![
        refused,
        always(key, with(edit(1, 65), Some(4))),
        always(key, with(edit(1, 2), Some(4))),
        always(key, with(edit(1, 2), None)),
    ];
    let expected = [
        Changed::Refused(State::Pending),
        Changed::TooManyTags,
        Changed::TooLarge,
        Changed::AtLimit(RunningLimit::Running),
    ];
    assert_eq!(world.change(T, changes).await, expected);
}

/// The first limit that does not allow it is answered: the project's jobs, its units, the spider.
pub async fn limits_are_checked_from_the_project_to_the_spider(world: World) {
    let key = world.add(T, pending("s")).await;
    assert!(limit_spider(&world, 1, Some(0)).await);
    for (settings, limit) in [
        (vec![], RunningLimit::Spider),
        (vec![("max_running_units", "0")], RunningLimit::Units),
        (vec![("max_running_units", "0"), ("max_running", "0")], RunningLimit::Running),
    ] {
        world.set(&settings).await;
        let pushed = world.push(T, vec![weighing("s", RUNNING, 1)]).await;
        assert_eq!(pushed, [Pushed::AtLimit(limit)]);
        assert_eq!(world.change(T, vec![run(key)]).await, [Changed::AtLimit(limit)]);
    }
}
