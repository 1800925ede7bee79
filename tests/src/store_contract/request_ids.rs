//! Request ids: a call that is repeated under its id is done once.

use spiderq_core::{
    error::{Error, Result},
    model::{ClaimFilter, JobKey, Millis, State},
    store::{Changed, Claimed, Effect, Pushed, Step},
};

use super::world::*;

/// What was added stays, and what was refused is judged anew: it is a duplicate still.
pub async fn a_repeated_push_adds_once(world: World) {
    let request = request("id", "push");
    let push = async |now| {
        let jobs = vec![unique("a", "u"), unique("a", "u"), pending("b")];
        let pushed = world.store.push(world.project, jobs, Millis(now), Some(&request));
        pushed.await.unwrap()
    };
    let first = push(T).await;
    let active = world.key(1, 1);
    let expected =
        [Pushed::Added(active), Pushed::Duplicate(active), Pushed::Added(world.key(2, 1))];
    assert_eq!(first, expected);
    assert_eq!(push(T + 1).await, expected);
    assert_eq!(world.count(&those(&State::ALL)).await, 2);
}

/// The answer has the fence of the first call.
pub async fn a_repeated_claim_takes_once(world: World) {
    let request = request("id", "claim");
    let wanted = ClaimFilter::default();
    let claim = async |now| {
        let effect = starting();
        let claimed =
            world.store.claim(world.project, &wanted, &effect, Millis(now), Some(&request));
        claimed.await.unwrap()
    };
    assert_eq!(claim(T).await, None);
    world.push(T, vec![pending("s"), pending("s")]).await;
    // An empty answer is not kept.
    let first = claim(T + 1).await.unwrap();
    assert_eq!(first.job.key, world.key(1, 1));
    assert_eq!(claim(T + 2).await, Some(first));
    assert_eq!(world.count(&those(&[State::Pending])).await, 1);
}

/// Its answer is the job as it is now while the attempt holds it, and a refusal afterwards: the
/// caller may have been silent past its lease, and must not run what another has.
pub async fn a_repeated_claim_is_stale_once_its_attempt_is_over(world: World) {
    let lease_end = T + 30_000;
    let claim = async |id, now| {
        let effect = Effect { start: Some(start(Some(lease_end))), ..starting() };
        let request = request(id, "claim");
        let wanted = ClaimFilter::default();
        world.store.claim(world.project, &wanted, &effect, Millis(now), Some(&request)).await
    };
    let is_stale = |result: Result<Option<Claimed>>, key: JobKey| matches!(result, Err(Error::Stale(job)) if job == key);
    world.push(T, vec![pending("s"), pending("s"), pending("s")]).await;
    let [changed, ended, lost] = [1, 2, 3].map(|number| world.key(1, number));
    for (id, key) in [("changed", changed), ("ended", ended), ("lost", lost)] {
        assert_eq!(claim(id, T).await.unwrap().unwrap().job.key, key);
    }
    let set = Effect { set: metadata(&[("a", "1")]), ..Effect::default() };
    world.change(T + 1, vec![always(changed, set)]).await;
    let now = world.job(changed).await.unwrap();
    assert_eq!(claim("changed", T + 2).await.unwrap().unwrap().job, now);
    world.change(T + 3, vec![finish(ended)]).await;
    assert!(is_stale(claim("ended", T + 4).await, ended));
    world.change(T + 5, vec![delete(ended)]).await;
    world.store.purge(ended).await.unwrap();
    assert!(is_stale(claim("ended", T + 6).await, ended));
    assert!(claim("lost", lease_end - 1).await.is_ok());
    assert!(is_stale(claim("lost", lease_end).await, lost));
    // Neither what waits for its next attempt, nor that of another worker.
    world.apply(lease_end, requeue(lost)).await;
    assert!(is_stale(claim("lost", lease_end + 1).await, lost));
    let effect = Effect { start: Some(start(Some(lease_end + 9_000))), ..starting() };
    let wanted = ClaimFilter::default();
    let other = world.store.claim(world.project, &wanted, &effect, Millis(lease_end + 2), None);
    let other = other.await.unwrap().unwrap().job;
    assert_eq!((other.key, other.attempt), (lost, 2));
    assert!(is_stale(claim("lost", lease_end + 3).await, lost));
    assert_eq!(world.job(lost).await, Some(other));
}

/// The answer is the same, also for a missing job.
pub async fn a_repeated_change_applies_once(world: World) {
    let key = world.add(T, pending("s")).await;
    let request = request("id", "change");
    let change = async |now| {
        let changes = vec![finish(key), finish(world.key(1, 9))];
        let changed =
            world.store.change(world.project, changes, false, Millis(now), Some(&request));
        untimed(changed.await.unwrap())
    };
    let expected = [applied(State::Pending, 0), Changed::Missing];
    assert_eq!(change(T + 1).await, expected);
    let finished = world.job(key).await;
    assert_eq!(change(T + 2).await, expected);
    assert_eq!(world.job(key).await, finished);
}

/// Of a call that was refused as a whole nothing is kept: not even that its id was used.
pub async fn a_refused_push_is_judged_anew(world: World) {
    let (first, second) = (request("id", "one"), request("id", "two"));
    let active = world.add(T, unique("s", "u")).await;
    let push = async |request| {
        let jobs = vec![unique("a", "u"), unique("b", "u")];
        let pushed = world.store.push(world.project, jobs, Millis(T), Some(request));
        pushed.await.unwrap()
    };
    assert_eq!(push(&first).await, [Pushed::Duplicate(active); 2]);
    world.apply(T, finish(active)).await;
    let (added, duplicate) = (Pushed::Added(world.key(2, 1)), Pushed::Duplicate(world.key(2, 1)));
    assert_eq!(push(&second).await, [added, duplicate]);
    // What is done now is kept, and the rest is judged each time.
    world.apply(T, finish(world.key(2, 1))).await;
    let both = [added, Pushed::Added(world.key(3, 1))];
    assert_eq!(push(&second).await, both);
    world.apply(T, finish(world.key(3, 1))).await;
    assert_eq!(push(&second).await, both);
    assert_eq!(world.count(&those(&[State::Pending])).await, 0);
}

/// Each change of a call is kept or judged anew on its own.
pub async fn a_refused_change_is_judged_anew(world: World) {
    let (first, second) =
        (world.add(T, pending("s")).await, world.add(T, in_state("s", State::Running)).await);
    let request = request("id", "change");
    let change = async |all_or_nothing, now| {
        let changes = [first, second].map(|key| {
            let mut change = finish(key);
            change.on = [Step::Apply(0), Step::Refuse, Step::Keep, Step::Refuse];
            change
        });
        let changed = world.store.change(
            world.project,
            changes.into(),
            all_or_nothing,
            Millis(now),
            Some(&request),
        );
        untimed(changed.await.unwrap())
    };
    let done = applied(State::Pending, 0);
    let refused = Changed::Refused(State::Running);
    // With all or nothing, nothing was done, whatever the answer to the first.
    assert_eq!(change(true, T + 1).await, [done, refused]);
    assert_eq!(world.job(first).await.unwrap().state, State::Pending);
    assert_eq!(change(false, T + 2).await, [done, refused]);
    let finished = world.job(first).await;
    assert_eq!(change(false, T + 3).await, [done, refused]);
    world.apply(T + 4, finish(second)).await;
    assert_eq!(change(false, T + 5).await, [done, Changed::Kept(State::Finished)]);
    assert_eq!(world.job(first).await, finished);
    // Now that each has an answer, that is the answer.
    world.apply(T + 6, delete(second)).await;
    assert_eq!(change(false, T + 7).await, [done, Changed::Kept(State::Finished)]);
}

/// A call without parts is kept too: one that looks for its parts finds others later.
pub async fn a_change_of_nothing_stays_one(world: World) {
    let request = request("id", "change");
    let key = world.add(T, pending("s")).await;
    for changes in [vec![], vec![finish(key)]] {
        let changed = world.store.change(world.project, changes, false, Millis(T), Some(&request));
        assert_eq!(changed.await.unwrap(), []);
    }
    assert_eq!(world.job(key).await.unwrap().state, State::Pending);
}

/// The second call fails and does nothing.
pub async fn a_request_id_cannot_be_reused_for_another_request(world: World) {
    let (first, second) = (request("id", "one"), request("id", "two"));
    let project = world.project;
    let pushed = world.store.push(project, vec![pending("s")], Millis(T), Some(&first));
    pushed.await.unwrap();
    let push = world.store.push(project, vec![pending("s")], Millis(T), Some(&second)).await;
    let effect = starting();
    let claim = world
        .store
        .claim(project, &ClaimFilter::default(), &effect, Millis(T), Some(&second))
        .await;
    let changes = vec![finish(world.key(1, 1))];
    let change = world.store.change(project, changes, false, Millis(T), Some(&second)).await;
    assert!(matches!(push, Err(Error::RequestIdReused)), "{push:?}");
    assert!(matches!(claim, Err(Error::RequestIdReused)), "{claim:?}");
    assert!(matches!(change, Err(Error::RequestIdReused)), "{change:?}");
    let pending = world.list(&those(&[State::Pending])).await;
    assert_eq!(pending, [world.key(1, 1)]);
}

/// Two projects may use one id for different requests.
pub async fn request_ids_are_separate_per_project(world: World) {
    let other = World::new(world.store.clone());
    for (world, asked) in [(&world, "one"), (&other, "two")] {
        let request = request("id", asked);
        let jobs = vec![pending("s")];
        let pushed = world.store.push(world.project, jobs, Millis(T), Some(&request));
        assert_eq!(pushed.await.unwrap(), [Pushed::Added(world.key(1, 1))]);
    }
}
