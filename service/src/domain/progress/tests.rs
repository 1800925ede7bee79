use std::time::Duration;

use tokio::time::interval;

use super::*;
use crate::domain::{Heartbeat, Watch, WatchItem, WatchQuery, test_world::*};
use spiderq_core::model::Role;

async fn watch(world: &World, key: Option<JobKey>) -> Watch {
    let query =
        WatchQuery { project: world.project, spider: None, key, after: None, progress: true };
    world.domain.watch_jobs(&caller(Role::Read), query).await.unwrap()
}

fn items(items: u64) -> Counters {
    Counters { items: Some(items), ..Counters::default() }
}

/// A heartbeat of the job's own worker.
async fn beat(world: &World, started: &crate::domain::StartedJob, counters: Counters) {
    let heartbeat = Heartbeat { key: started.job.key, fence: None, lease_ms: None, counters };
    world.domain.heartbeat(&token_of(started), heartbeat).await.unwrap();
}

/// Number of the job and its items, of the next progress; none where nothing came in time.
async fn told(watch: &mut Watch) -> Vec<(u64, Option<u64>)> {
    let item = |item| match item {
        WatchItem::Progress(progress) => (progress.key.job.get(), progress.counters.items),
        other @ (WatchItem::Event(..) | WatchItem::Skipped(_)) => panic!("{other:?}"),
    };
    watch.next().await.unwrap().into_iter().map(item).collect()
}

#[tokio::test(start_paused = true)]
async fn many_heartbeats_are_told_as_one_and_what_stands_still_is_not() {
    let world = World::new();
    world.push_many(2).await;
    let (first, second) = (world.start().await, world.start().await);
    beat(&world, &first, items(1)).await;
    let mut watch = watch(&world, None).await;
    let begun = Instant::now();
    for count in 2..=50 {
        beat(&world, &first, items(count)).await;
    }
    beat(&world, &second, items(7)).await;
    assert_eq!(told(&mut watch).await, [(1, Some(50)), (2, Some(7))]);
    assert!(begun.elapsed() <= PROGRESS_INTERVAL, "{:?}", begun.elapsed());
    beat(&world, &second, items(8)).await;
    assert_eq!(told(&mut watch).await, [(2, Some(8))]);
    // Nothing more is counted: the wait ends by its own timeout.
    assert!(told(&mut watch).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_counts_all_the_time_is_told_of_once_a_second() {
    const BEATS: u64 = 60;
    let world = World::new();
    world.push_many(1).await;
    let started = world.start().await;
    let mut watch = watch(&world, None).await;
    let mut times = Vec::new();
    let tell = async {
        let mut last = None;
        while last != Some(BEATS) {
            let told = told(&mut watch).await;
            times.push(Instant::now());
            last = told[0].1;
        }
    };
    let count = async {
        let mut beats = interval(Duration::from_millis(100));
        for count in 1..=BEATS {
            beats.tick().await;
            beat(&world, &started, items(count)).await;
        }
    };
    tokio::join!(tell, count);
    let gaps: Vec<_> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(gaps, [PROGRESS_INTERVAL; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_one_job_tells_no_progress_of_others() {
    let world = World::new();
    world.push_many(2).await;
    let (first, second) = (world.start().await, world.start().await);
    let mut watch = watch(&world, Some(second.job.key)).await;
    beat(&world, &first, items(1)).await;
    beat(&world, &second, items(2)).await;
    assert_eq!(told(&mut watch).await, [(2, Some(2))]);
}

#[tokio::test(start_paused = true)]
async fn the_heartbeats_of_another_process_are_told() {
    let world = World::new();
    world.push_many(1).await;
    let started = world.start().await;
    let mut watch = watch(&world, None).await;
    beat(&world.restarted(), &started, items(3)).await;
    assert_eq!(told(&mut watch).await, [(1, Some(3))]);
}

#[tokio::test(start_paused = true)]
async fn watches_of_a_project_share_what_is_read_and_nothing_is_read_after_the_last() {
    let world = World::new();
    let (one, other) = (watch(&world, None).await, watch(&world, None).await);
    let known = |world: &World| {
        let all = world.domain.progress.0.lock().unwrap();
        all.get(&world.project).map_or(0, Weak::strong_count)
    };
    assert_eq!(known(&world), 2);
    drop((one, other));
    assert_eq!(known(&world), 0);
}

#[test]
fn what_is_told_is_what_changed_since() {
    let project = ProjectProgress::default();
    let progress = |job: &str, attempt, counters| {
        let key = JobKey::parse(job).unwrap();
        Progress { key, attempt, counters }
    };
    let (one, two) = (progress("1/1/1", 1, items(1)), progress("1/1/2", 1, Counters::default()));
    project.keep(vec![one, two]);
    assert_eq!(project.after(0), (vec![one], 1));
    project.keep(vec![one, two]);
    assert_eq!(project.after(0), (vec![one], 1));
    // Another attempt counts anew.
    let (two, again) = (progress("1/1/2", 1, items(5)), progress("1/1/1", 2, Counters::default()));
    project.keep(vec![again, two]);
    assert_eq!(project.after(1), (vec![again, two], 2));
    project.keep(vec![]);
    assert_eq!(project.after(0), (vec![], 2));
}
