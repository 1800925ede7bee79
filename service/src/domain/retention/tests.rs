use super::*;
use crate::domain::{PushJob, test_world::*};
use spiderq_core::model::JsonText;

#[test]
fn settings_say_which_jobs_to_keep() {
    let mut settings = Metadata::default();
    let now = Millis(10 * DAY_MS + 5);
    assert_eq!(RULES[0].retention(&settings, now), Retention::default());
    for (name, value) in
        [("keep_finished_days", 3), ("keep_finished_jobs", 0), ("keep_deleted_bytes", 1_000)]
    {
        settings.set(name, JsonText::integer(value));
    }
    settings.set("keep_deleted_days", JsonText::parse("null").unwrap());
    let finished = Retention {
        from: Some(Position((7 * DAY_MS + 5) * Position::PER_MS)),
        jobs: Some(0),
        bytes: None,
    };
    assert_eq!(RULES[0].retention(&settings, now), finished);
    let deleted = Retention { bytes: Some(1_000), ..Retention::default() };
    assert_eq!(RULES[1].retention(&settings, now), deleted);
    settings.set("keep_finished_days", JsonText::integer(1_000_000));
    assert_eq!(RULES[0].retention(&settings, now).from, Some(Position(0)));
}

/// Pushes a finished job each day, the last one today.
async fn finished_each_day(world: &World, days: u64) {
    for day in 0..days {
        if day > 0 {
            world.pass(DAY_MS);
        }
        world.push_in(State::Finished).await;
    }
}

async fn prune(world: &World) -> Duration {
    Pruner::new(Arc::clone(&world.domain)).round().await.unwrap()
}

/// The numbers of the jobs that are left.
async fn left(world: &World, jobs: u64) -> Vec<u64> {
    let mut left = Vec::new();
    for job in 1..=jobs {
        if world.exists(world.key(job)).await {
            left.push(job);
        }
    }
    left
}

#[tokio::test]
async fn jobs_stay_where_no_setting_bounds_them() {
    let world = World::new();
    finished_each_day(&world, 3).await;
    world.set("keep_deleted_days", "0").await;
    assert_eq!(prune(&world).await, Pruner::PAUSE);
    assert_eq!(left(&world, 3).await, [1, 2, 3]);
}

#[tokio::test]
async fn jobs_older_than_the_days_kept_are_removed() {
    let world = World::new();
    finished_each_day(&world, 3).await;
    world.set("keep_finished_days", "1").await;
    prune(&world).await;
    assert_eq!(left(&world, 3).await, [2, 3]);
    world.pass(1);
    prune(&world).await;
    assert_eq!(left(&world, 3).await, [3]);
}

#[tokio::test]
async fn the_latest_jobs_are_kept_and_those_in_other_states() {
    let world = World::new();
    world.push_in(State::Pending).await;
    world.push_in(State::Running).await;
    finished_each_day(&world, 3).await;
    world.push_in(State::Deleted).await;
    world.set("keep_finished_jobs", "1").await;
    prune(&world).await;
    assert_eq!(left(&world, 6).await, [1, 2, 5, 6]);
    world.set("keep_deleted_jobs", "0").await;
    prune(&world).await;
    assert_eq!(left(&world, 6).await, [1, 2, 5]);
}

#[tokio::test]
async fn jobs_are_removed_until_their_metadata_fit() {
    let world = World::new();
    for _ in 0..3 {
        // 10 bytes: the name and its value.
        let metadata = metadata(&[("field", "12345")]);
        let job = PushJob { state: State::Finished, metadata, ..push_job("books") };
        world.push(job).await;
    }
    world.set("keep_finished_bytes", "29").await;
    prune(&world).await;
    assert_eq!(left(&world, 3).await, [2, 3]);
}

#[tokio::test]
async fn more_jobs_than_a_step_removes_go_in_one_round() {
    let world = World::new();
    for _ in 0..2 * MAX_BATCH + 5 {
        world.push_in(State::Finished).await;
    }
    world.set("keep_finished_jobs", "0").await;
    assert_eq!(prune(&world).await, Pruner::PAUSE);
    assert!(left(&world, 205).await.is_empty());
}
