//! How many bytes of metadata a job may have in all, counted in the atomic step of each write.

use spiderq_core::{
    model::{ClaimFilter, JobKey, Metadata},
    store::{Changed, Effect, NewJob},
};

use super::world::*;

const MAX_BYTES: usize = spiderq_core::limits::MAX_METADATA_BYTES;

/// A string of `bytes` bytes as JSON, quotes and the name `a` of its field included.
fn text(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 3))
}

fn limited(set: &[(&str, &str)], remove: &[&str]) -> Effect {
    Effect {
        set: metadata(set),
        remove: remove.iter().map(|name| field_name(name)).collect(),
        max_bytes: Some(MAX_BYTES),
        ..Effect::default()
    }
}

async fn holding(world: &World, fields: &[(&str, &str)]) -> JobKey {
    let job = NewJob { metadata: metadata(fields), ..pending("s") };
    world.add(T, job).await
}

/// Names count too. A refused change does nothing else either.
pub async fn a_job_has_a_limit_over_all_its_metadata(world: World) {
    let key = holding(&world, &[("a", &text(MAX_BYTES - 100)), ("b", "1")]).await;
    let before = world.job(key).await;
    let more = Effect { priority: Some(priority(4)), ..limited(&[("c", &text(99))], &[]) };
    let changed = world.change(T + 1, vec![always(key, more)]).await;
    assert_eq!(changed, [Changed::TooLarge]);
    assert_eq!(world.job(key).await, before);
    let exactly = limited(&[("c", &text(98))], &[]);
    world.apply(T + 1, always(key, exactly)).await;
    assert_eq!(world.job(key).await.unwrap().metadata.bytes(), MAX_BYTES);
    let over = limited(&[("b", "12")], &[]);
    let changed = world.change(T + 1, vec![always(key, over)]).await;
    assert_eq!(changed, [Changed::TooLarge]);
    let equal = limited(&[("b", "2")], &[]);
    world.apply(T + 1, always(key, equal)).await;
}

/// A change is measured by what the job has after it.
pub async fn removed_and_replaced_fields_make_room(world: World) {
    let half = text(MAX_BYTES / 2);
    let key = holding(&world, &[("a", &half)]).await;
    for _ in 0..3 {
        world.apply(T, always(key, limited(&[("a", &half)], &[]))).await;
        world.apply(T, always(key, limited(&[("b", &half)], &[]))).await;
        let changed = world.change(T, vec![always(key, limited(&[("c", "1")], &[]))]);
        assert_eq!(changed.await, [Changed::TooLarge]);
        let swap = limited(&[("c", &half)], &["a"]);
        world.apply(T, always(key, swap)).await;
        let back = limited(&[("a", "1")], &["b", "c"]);
        world.apply(T, always(key, back)).await;
        assert_eq!(world.job(key).await.unwrap().metadata.bytes(), 2);
    }
}

/// 10,000 fields of 100 bytes are the limit.
pub async fn many_small_fields_count_towards_the_limit(world: World) {
    let key = world.add(T, pending("s")).await;
    let field = |from: usize| -> Metadata {
        let names = (from..from + 1000).map(|n| format!("{n:0>60}"));
        let json = text(41);
        names
            .map(|name| (field_name(&name), metadata(&[("a", &json)]).get("a").unwrap().clone()))
            .collect()
    };
    for part in 0..10 {
        let effect = Effect { set: field(part * 1000), ..limited(&[], &[]) };
        world.apply(T, always(key, effect)).await;
    }
    let before = world.job(key).await;
    let effect = Effect { set: field(10_000), ..limited(&[], &[]) };
    let changed = world.change(T, vec![always(key, effect)]).await;
    assert_eq!(changed, [Changed::TooLarge]);
    assert_eq!(world.job(key).await, before);
}

/// A change that would be too large undoes an all-or-nothing call.
pub async fn changes_of_one_call_count_together(world: World) {
    let key = holding(&world, &[("a", &text(MAX_BYTES / 2))]).await;
    let other = world.add(T, pending("s")).await;
    let set = |name| limited(&[(name, &text(MAX_BYTES / 4))], &[]);
    let changes = || {
        vec![
            always(other, set("b")),
            always(key, set("b")),
            always(key, set("c")),
            always(key, limited(&[("d", "1")], &[])),
            always(key, limited(&[("d", "1")], &["b"])),
        ]
    };
    let before = (world.job(key).await, world.job(other).await);
    let all =
        world.store.change(world.project, changes(), true, spiderq_core::model::Millis(T), None);
    assert_eq!(all.await.unwrap()[3], Changed::TooLarge);
    assert_eq!((world.job(key).await, world.job(other).await), before);
    let each = world.change(T, changes()).await;
    let refused: Vec<bool> = each.iter().map(|one| *one == Changed::TooLarge).collect();
    assert_eq!(refused, [false, false, false, true, false]);
    let names: Vec<String> = world
        .job(key)
        .await
        .unwrap()
        .metadata
        .iter()
        .map(|(name, _)| name.as_str().to_owned())
        .collect();
    assert_eq!(names, ["a", "c", "d"]);
}

/// A full job can still be claimed, stopped and finished.
pub async fn changes_without_max_bytes_are_not_limited(world: World) {
    let key = holding(&world, &[("a", &text(MAX_BYTES))]).await;
    let effect = Effect { set: metadata(&[("worker", "1")]), ..starting() };
    let now = spiderq_core::model::Millis(T + 1);
    let wanted = ClaimFilter::default();
    let claimed = world.store.claim(world.project, &wanted, &effect, now, None);
    assert_eq!(claimed.await.unwrap().unwrap().job.key, key);
    let asked = Effect { set: metadata(&[("stop_requested", "true")]), ..Effect::default() };
    world.apply(T + 2, always(key, asked)).await;
    let over = limited(&[("b", "1")], &[]);
    let changed = world.change(T + 3, vec![always(key, over)]).await;
    assert_eq!(changed, [Changed::TooLarge]);
    let finish = Effect { max_bytes: Some(0), ..entering(spiderq_core::model::State::Finished) };
    world.apply(T + 4, always(key, finish)).await;
}
