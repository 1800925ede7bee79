//! Who may change a running job: the holder of its fence or attempt, or who started it.

use spiderq_core::{
    model::{ClaimFilter, Fence, Job, JobKey, Millis, State},
    store::{Change, Changed, Effect, Holder, Step},
};

use super::world::*;

/// A running job with a lease until T + 30,000, and its fence.
async fn leased(world: &World) -> (JobKey, Fence) {
    world.add(T, pending("s")).await;
    let mut effect = starting();
    if let Some(start) = &mut effect.start {
        start.lease_expires = Some(Millis(T + 30_000));
    }
    let claimed = world
        .store
        .claim(world.project, &ClaimFilter::default(), &effect, Millis(T), None)
        .await
        .unwrap()
        .unwrap();
    (claimed.job.key, claimed.fence)
}

async fn touch(world: &World, now: u64, key: JobKey, holder: Holder) -> Changed {
    let change = Change { holder, ..always(key, Effect::default()) };
    world.change(now, vec![change]).await[0]
}

const DONE: Changed = applied(State::Running, 1);

/// At the millisecond of the lease's end the fence is stale.
pub async fn a_fence_holds_until_the_lease_ends(world: World) {
    let (key, fence) = leased(&world).await;
    let mine = || Holder::Fence(fence.clone());
    let other = Holder::Fence(start(None).fence);
    assert_eq!(touch(&world, T + 29_999, key, mine()).await, DONE);
    assert_eq!(touch(&world, T + 30_000, key, mine()).await, Changed::Stale);
    assert_eq!(touch(&world, T + 1, key, other).await, Changed::Stale);
    assert_eq!(world.job(key).await.unwrap().updated, Millis(T + 29_999));
}

/// So is the number of the attempt.
pub async fn an_attempt_holds_until_the_lease_ends(world: World) {
    let (key, _) = leased(&world).await;
    let attempt = Holder::Attempt;
    assert_eq!(touch(&world, T + 29_999, key, attempt(1)).await, DONE);
    let late = touch(&world, T + 30_000, key, attempt(1)).await;
    assert_eq!(late, Changed::Stale);
    assert_eq!(touch(&world, T, key, attempt(0)).await, Changed::Stale);
    assert_eq!(touch(&world, T, key, attempt(2)).await, Changed::Stale);
}

/// The lease does not matter for the actor who started it.
pub async fn the_starter_holds_a_running_job(world: World) {
    let (key, _) = leased(&world).await;
    let by = |text| Holder::StartedBy(actor(text));
    assert_eq!(touch(&world, T + 40_000, key, by("worker")).await, DONE);
    assert_eq!(touch(&world, T, key, by("pusher")).await, Changed::NotHeld);
    world.apply(T, finish(key)).await;
    assert_eq!(touch(&world, T, key, by("worker")).await, Changed::NotHeld);
}

/// A heartbeat before the end makes the fence good until the new end.
pub async fn a_heartbeat_moves_the_end_of_the_lease(world: World) {
    let (key, fence) = leased(&world).await;
    let heartbeat = |until| Change {
        holder: Holder::Fence(fence.clone()),
        ..always(key, Effect { lease_expires: Some(Millis(until)), ..Effect::default() })
    };
    assert_eq!(world.change(T + 20_000, vec![heartbeat(T + 50_000)]).await, [DONE]);
    let job = world.job(key).await.unwrap();
    assert_eq!(
        (job.lease_expires, job.position, job.updated),
        (Some(Millis(T + 50_000)), place(T, 1), Millis(T + 20_000))
    );
    assert_eq!(world.change(T + 49_999, vec![heartbeat(T + 60_000)]).await, [DONE]);
    assert_eq!(world.change(T + 60_000, vec![heartbeat(T + 90_000)]).await, [Changed::Stale]);
}

/// Its fence and attempt are good while it runs.
pub async fn a_job_without_a_lease_is_held_for_ever(world: World) {
    world.add(T, pending("s")).await;
    let claimed = world.claim(T).await.unwrap();
    let key = claimed.job.key;
    let far = T + 1_000_000_000;
    let fence = Holder::Fence(claimed.fence);
    assert_eq!(touch(&world, far, key, fence).await, DONE);
    assert_eq!(touch(&world, far, key, Holder::Attempt(1)).await, DONE);
}

/// After a requeue or the end of the job, its old fence is stale.
pub async fn a_fence_ends_with_its_attempt(world: World) {
    let (key, fence) = leased(&world).await;
    let mine = || Holder::Fence(fence.clone());
    let requeue = Effect {
        enter: Some((State::Pending, actor("reaper"))),
        release: true,
        ..Effect::default()
    };
    world.apply(T + 1, always(key, requeue)).await;
    let found = world.job(key).await.unwrap();
    assert_eq!((found.lease_expires, found.attempt), (None, 1));
    assert_eq!(touch(&world, T + 1, key, mine()).await, Changed::Stale);
    let attempt = touch(&world, T + 1, key, Holder::Attempt(1)).await;
    assert_eq!(attempt, Changed::Stale);
    let second = world.claim(T + 2).await.unwrap();
    assert_eq!(touch(&world, T + 2, key, mine()).await, Changed::Stale);
    let last = Holder::Fence(second.fence);
    world.apply(T + 3, finish(key)).await;
    assert_eq!(touch(&world, T + 3, key, last).await, Changed::Stale);
}

/// Whoever pushed it counts as who started it.
pub async fn a_job_pushed_running_has_its_fence(world: World) {
    let job = in_state("s", State::Running);
    let fence = job.start.as_ref().unwrap().fence.clone();
    let key = world.add(T, job).await;
    assert_eq!(touch(&world, T, key, Holder::Fence(fence)).await, DONE);
    let by = Holder::StartedBy(actor("pusher"));
    assert_eq!(touch(&world, T, key, by).await, DONE);
}

/// A missing job is checked before both.
pub async fn the_holder_is_checked_before_the_state(world: World) {
    let key = world.add(T, pending("s")).await;
    let refuse = |key: JobKey| Change {
        key,
        holder: Holder::Attempt(1),
        unchanged_since: None,
        on: [Step::Refuse; 4],
        effects: Vec::new(),
    };
    let missing = world.key(1, 9);
    let changed = world.change(T, vec![refuse(missing), refuse(key)]).await;
    assert_eq!(changed, [Changed::Missing, Changed::Stale]);
    let untouched: Job = world.job(key).await.unwrap();
    assert_eq!(untouched.updated, Millis(T));
}
