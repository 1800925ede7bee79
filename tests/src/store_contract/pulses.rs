//! Notifications: whoever waits for a change of a project learns of it.

use std::time::Duration;

use futures::FutureExt as _;
use spiderq_core::{
    model::State,
    store::{Notifications, SettingsChange},
};

use super::world::*;

/// Waits for a pulse, which must come soon.
pub async fn beat(pulses: &mut Notifications) {
    let soon = tokio::time::timeout(Duration::from_secs(10), pulses.next());
    soon.await.expect("a pulse within 10 s");
}

async fn listen(world: &World) -> Notifications {
    world.store.subscribe(world.project).await.unwrap()
}

/// Each kind of change is followed by a pulse.
pub async fn a_change_of_jobs_or_settings_is_followed_by_a_pulse(world: World) {
    let key = world.key(1, 1);
    let mut pulses = listen(&world).await;
    world.add(T, pending("s")).await;
    beat(&mut pulses).await;
    let mut pulses = listen(&world).await;
    world.claim(T).await.unwrap();
    beat(&mut pulses).await;
    let mut pulses = listen(&world).await;
    world.apply(T, requeue(key)).await;
    beat(&mut pulses).await;
    let mut pulses = listen(&world).await;
    world.apply(T, finish(key)).await;
    beat(&mut pulses).await;
    let mut pulses = listen(&world).await;
    world.set(&[("max_running", "1")]).await;
    beat(&mut pulses).await;
    let mut pulses = listen(&world).await;
    let cleared = world.store.change_settings(world.project, SettingsChange::Clear);
    assert!(cleared.await.unwrap());
    beat(&mut pulses).await;
    let mut pulses = listen(&world).await;
    let limited = world.store.limit_spider(world.project, key.spider, Some(1));
    assert!(limited.await.unwrap());
    beat(&mut pulses).await;
}

/// All who listen are told, and one who has gone is not in their way.
pub async fn all_who_listen_get_the_pulse(world: World) {
    let mut listening = Vec::new();
    for _ in 0..3 {
        listening.push(listen(&world).await);
    }
    drop(listening.swap_remove(0));
    for _ in 0..2 {
        world.add(T, pending("s")).await;
        for pulses in &mut listening {
            beat(pulses).await;
        }
    }
}

/// Changes of another project are none of theirs.
pub async fn pulses_are_of_one_project(world: World) {
    let other = World::new(world.store.clone());
    let (mut mine, mut others) = (listen(&world).await, listen(&other).await);
    world.add(T, pending("s")).await;
    beat(&mut mine).await;
    for _ in 0..10 {
        other.add(T, pending("s")).await;
        // It has come where it belongs.
        beat(&mut others).await;
        assert_eq!(mine.next().now_or_never(), None);
    }
}

/// Two that take turns, each waiting for the other's change: a pulse that is lost or comes
/// before its change can be seen would end it.
pub async fn a_pulse_comes_after_its_change_is_there_to_see(world: World) {
    let turns = 100;
    let starter = {
        let world = world.clone();
        tokio::spawn(async move {
            let mut pulses = listen(&world).await;
            for turn in 0..turns {
                while world.count(&those(&[State::Pending])).await == 0 {
                    beat(&mut pulses).await;
                }
                assert!(world.claim(T + turn).await.is_some());
            }
        })
    };
    let mut pulses = listen(&world).await;
    for turn in 0..turns {
        world.add(T + turn, pending("s")).await;
        while world.count(&those(&[State::Running])).await <= turn {
            beat(&mut pulses).await;
        }
    }
    starter.await.unwrap();
}

/// Many writers, one reader who waits whenever it has seen all there is: it sees the last.
pub async fn no_pulse_is_lost_between_a_read_and_a_wait(world: World) {
    let writers = (0..8).map(|n| {
        let world = world.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                world.add(T, pending(&format!("s{n}"))).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut pulses = listen(&world).await;
    let all = those(&[State::Pending]);
    let mut seen = world.count(&all).await;
    while seen < 200 {
        beat(&mut pulses).await;
        let now = world.count(&all).await;
        assert!(now >= seen);
        seen = now;
    }
    for writer in writers {
        writer.await.unwrap();
    }
}
