//! Notifications: a process that waits for a change of a project is woken by it.

use std::time::Duration;

use futures::FutureExt as _;
use spiderq_core::{
    model::State,
    store::{Notifications, SettingsChange},
};

use super::world::*;

/// Waits for a notification, at most 10 s.
pub(super) async fn notified(subscription: &mut Notifications) {
    let soon = tokio::time::timeout(Duration::from_secs(10), subscription.next());
    soon.await.expect("a notification within 10 s");
}

async fn subscribe(world: &World) -> Notifications {
    world.store.subscribe(world.project).await.unwrap()
}

/// Each kind of change notifies.
pub async fn a_change_of_jobs_or_settings_is_followed_by_a_notification(world: World) {
    let key = world.key(1, 1);
    let mut subscription = subscribe(&world).await;
    world.add(T, pending("s")).await;
    notified(&mut subscription).await;
    let mut subscription = subscribe(&world).await;
    world.claim(T).await.unwrap();
    notified(&mut subscription).await;
    let mut subscription = subscribe(&world).await;
    world.apply(T, requeue(key)).await;
    notified(&mut subscription).await;
    let mut subscription = subscribe(&world).await;
    world.apply(T, finish(key)).await;
    notified(&mut subscription).await;
    let mut subscription = subscribe(&world).await;
    world.set(&[("max_running", "1")]).await;
    notified(&mut subscription).await;
    let mut subscription = subscribe(&world).await;
    let cleared = world.store.change_settings(world.project, SettingsChange::Clear);
    assert!(cleared.await.unwrap());
    notified(&mut subscription).await;
    let mut subscription = subscribe(&world).await;
    let limited = world.store.limit_spider(world.project, key.spider, Some(1));
    assert!(limited.await.unwrap());
    notified(&mut subscription).await;
}

/// One subscriber that is gone does not keep the others from being notified.
pub async fn all_subscribers_are_notified(world: World) {
    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        subscriptions.push(subscribe(&world).await);
    }
    drop(subscriptions.swap_remove(0));
    for _ in 0..2 {
        world.add(T, pending("s")).await;
        for subscription in &mut subscriptions {
            notified(subscription).await;
        }
    }
}

/// A change in one project does not notify subscribers of another.
pub async fn notifications_are_of_one_project(world: World) {
    let other = World::new(world.store.clone());
    let (mut mine, mut others) = (subscribe(&world).await, subscribe(&other).await);
    world.add(T, pending("s")).await;
    notified(&mut mine).await;
    for _ in 0..10 {
        other.add(T, pending("s")).await;
        // The other project's subscriber got it, so it is not merely late.
        notified(&mut others).await;
        assert_eq!(mine.next().now_or_never(), None);
    }
}

/// Two tasks take turns, each waiting for the other's change: a notification that is lost, or
/// that comes before its change is visible, would leave both waiting.
pub async fn a_notification_comes_after_its_change_is_visible(world: World) {
    let turns = 100;
    let starter = {
        let world = world.clone();
        tokio::spawn(async move {
            let mut subscription = subscribe(&world).await;
            for turn in 0..turns {
                while world.count(&those(&[State::Pending])).await == 0 {
                    notified(&mut subscription).await;
                }
                assert!(world.claim(T + turn).await.is_some());
            }
        })
    };
    let mut subscription = subscribe(&world).await;
    for turn in 0..turns {
        world.add(T + turn, pending("s")).await;
        while world.count(&those(&[State::Running])).await <= turn {
            notified(&mut subscription).await;
        }
    }
    starter.await.unwrap();
}

/// Beside many writers, a reader that waits whenever it has seen all jobs sees the last one too.
pub async fn no_notification_is_lost_between_a_read_and_a_wait(world: World) {
    let writers = (0..8).map(|n| {
        let world = world.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                world.add(T, pending(&format!("s{n}"))).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut subscription = subscribe(&world).await;
    let all = those(&[State::Pending]);
    let mut seen = world.count(&all).await;
    while seen < 200 {
        notified(&mut subscription).await;
        let now = world.count(&all).await;
        assert!(now >= seen);
        seen = now;
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

/// Output is in no store: whoever reads it is told to look, and those who wait for jobs are not.
pub async fn output_notifies_those_who_wait_for_output(world: World) {
    let (store, project) = (world.store.as_ref(), world.project);
    store.notify_output(project).await.unwrap();
    let mut output = Vec::new();
    for _ in 0..2 {
        output.push(store.subscribe_output(project).await.unwrap());
    }
    let mut jobs = subscribe(&world).await;
    for _ in 0..2 {
        store.notify_output(project).await.unwrap();
        for subscription in &mut output {
            notified(subscription).await;
        }
    }
    assert_eq!(jobs.next().now_or_never(), None);
    world.add(T, pending("s")).await;
    notified(&mut jobs).await;
}
