//! Projects: which exist, how many jobs they have, and their settings.

use std::sync::Arc;

use spiderq_core::{
    model::{JsonText, Metadata, ProjectId, State, Units},
    store::{Effect, ProjectCounts, SettingsChange, Store},
};

use super::world::*;

async fn counts(world: &World) -> ProjectCounts {
    world.store.project_counts(world.project).await.unwrap()
}

async fn settings(world: &World) -> Metadata {
    world.store.settings(world.project).await.unwrap()
}

async fn changed(world: &World, change: SettingsChange) -> bool {
    let done = world.store.change_settings(world.project, change);
    done.await.unwrap()
}

/// Reads and claims do not create a project.
pub async fn a_project_exists_from_its_first_job_spider_or_setting_on(store: Arc<dyn Store>) {
    let project = |number: i64| ProjectId::new(number).unwrap();
    let world = |number| World { store: store.clone(), project: project(number) };
    assert_eq!(store.projects(None, 10).await.unwrap(), []);
    world(70).add(T, pending("s")).await;
    let big = ProjectId::new((1 << 53) - 1).unwrap();
    store.spider_id(big, &name("s"), true).await.unwrap();
    let set = SettingsChange::Merge(metadata(&[("a", "1")]));
    assert!(changed(&world(8), set).await);
    for unused in [1, 2] {
        counts(&world(unused)).await;
        settings(&world(unused)).await;
        store.events(project(unused), None, 1).await.unwrap();
        store.subscribe(project(unused)).await.unwrap();
        let spider = world(unused).key(1, 1).spider;
        let limited = store.limit_spider(project(unused), spider, Some(1));
        assert!(!limited.await.unwrap());
        assert_eq!(world(unused).claim(T).await, None);
        assert_eq!(world(unused).push(T, Vec::new()).await, []);
        assert!(changed(&world(unused), SettingsChange::Clear).await);
    }
    let all = [project(8), project(70), big];
    assert_eq!(store.projects(None, 10).await.unwrap(), all);
    assert_eq!(store.projects(Some(all[0]), 1).await.unwrap(), all[1..2]);
    assert_eq!(store.projects(Some(big), 10).await.unwrap(), []);
}

/// Every change of state or units, and every purge, is counted.
pub async fn counts_follow_the_jobs(world: World) {
    assert_eq!(counts(&world).await, ProjectCounts::default());
    for (state, units) in [
        (State::Pending, 2),
        (State::Running, 3),
        (State::Running, 6),
        (State::Finished, 4),
        (State::Deleted, 5),
    ] {
        world.add(T, weighing("s", state, units)).await;
    }
    let expected = |pending, running, finished, running_units| ProjectCounts {
        pending,
        running,
        finished,
        running_units,
    };
    assert_eq!(counts(&world).await, expected(1, 2, 1, 9));
    let claimed = world.claim(T + 1).await.unwrap().job;
    assert_eq!(counts(&world).await, expected(0, 3, 1, 11));
    let lighter = Effect { units: Some(Units::default()), ..Effect::default() };
    world.apply(T + 2, always(claimed.key, lighter)).await;
    assert_eq!(counts(&world).await, expected(0, 3, 1, 10));
    world.apply(T + 3, finish(world.key(1, 3))).await;
    world.apply(T + 3, delete(world.key(1, 2))).await;
    assert_eq!(counts(&world).await, expected(0, 1, 2, 1));
    world.store.purge(world.key(1, 2)).await.unwrap();
    // The reaper requeues a job whose worker was lost.
    world.apply(T + 4, always(claimed.key, entering(State::Pending))).await;
    assert_eq!(counts(&world).await, expected(1, 0, 2, 0));
}

/// A merge leaves the other settings; values keep their bytes.
pub async fn settings_are_merged_and_removed(world: World) {
    assert!(settings(&world).await.is_empty());
    let first = metadata(&[("a", "1566311822568.0"), ("b", r#"{"z":[ ],"a":"\u00e9"}"#)]);
    assert!(changed(&world, SettingsChange::Merge(first)).await);
    let more = metadata(&[("a", "null"), ("c", "18446744073709551616")]);
    assert!(changed(&world, SettingsChange::Merge(more)).await);
    let expected = metadata(&[
        ("a", "null"),
        ("b", r#"{"z":[ ],"a":"\u00e9"}"#),
        ("c", "18446744073709551616"),
    ]);
    assert_eq!(settings(&world).await, expected);
    let names = vec![field_name("a"), field_name("unknown"), field_name("b")];
    assert!(changed(&world, SettingsChange::Remove(names)).await);
    assert!(changed(&world, SettingsChange::Remove(Vec::new())).await);
    assert_eq!(settings(&world).await, metadata(&[("c", "18446744073709551616")]));
    let other = World::new(world.store.clone());
    assert!(settings(&other).await.is_empty());
    assert!(changed(&world, SettingsChange::Clear).await);
    assert!(settings(&world).await.is_empty());
}

/// Names without a setting are left out.
pub async fn settings_are_read_by_name(world: World) {
    let named = async |names: &[&str]| {
        let settings = world.store.named_settings(world.project, names);
        settings.await.unwrap()
    };
    assert_eq!(named(&["a"]).await, Metadata::default());
    world.set(&[("a", "1566311822568.0"), ("b", "[ ]"), ("é:{*}", "null")]).await;
    let expected = metadata(&[("b", "[ ]"), ("é:{*}", "null")]);
    assert_eq!(named(&["b", "unknown", "é:{*}"]).await, expected);
    assert_eq!(named(&[]).await, Metadata::default());
}

/// A merge above the limit changes nothing.
pub async fn all_settings_together_have_a_size_limit(world: World) {
    let half = |name: &str| {
        let mut settings = Metadata::default();
        settings.set(
            name,
            JsonText::string(&"x".repeat(spiderq_core::limits::MAX_METADATA_BYTES / 2 - 3)),
        );
        settings
    };
    assert!(changed(&world, SettingsChange::Merge(half("a"))).await);
    assert!(changed(&world, SettingsChange::Merge(half("b"))).await);
    let small = metadata(&[("c", "1")]);
    assert!(!changed(&world, SettingsChange::Merge(small)).await);
    let mut expected = half("a");
    expected.extend(half("b"));
    assert_eq!(settings(&world).await, expected);
    // A value that is replaced does not count.
    let small = metadata(&[("a", "1"), ("c", "1")]);
    assert!(changed(&world, SettingsChange::Merge(small)).await);
}

/// Both in one step, and nothing at all where it would be too much.
pub async fn settings_are_replaced_and_changed_in_one_step(world: World) {
    world.set(&[("a", "1"), ("b", "2"), ("c", "3")]).await;
    let set = metadata(&[("b", "20"), ("d", "4")]);
    let remove = vec![field_name("a"), field_name("unknown")];
    assert!(changed(&world, SettingsChange::Update { set, remove }).await);
    let expected = metadata(&[("b", "20"), ("c", "3"), ("d", "4")]);
    assert_eq!(settings(&world).await, expected);
    let text = format!("\"{}\"", "x".repeat(1 << 20));
    let large = || metadata(&[("large", text.as_str())]);
    let remove = vec![field_name("b")];
    assert!(!changed(&world, SettingsChange::Update { set: large(), remove }).await);
    assert!(!changed(&world, SettingsChange::Replace(large())).await);
    assert_eq!(settings(&world).await, expected);
    assert!(changed(&world, SettingsChange::Replace(metadata(&[("e", "5")]))).await);
    assert_eq!(settings(&world).await, metadata(&[("e", "5")]));
    // What goes makes room for what comes.
    let half = format!("\"{}\"", "x".repeat(700_000));
    world.set(&[("half", &half)]).await;
    let (set, remove) = (metadata(&[("other", half.as_str())]), vec![field_name("half")]);
    assert!(changed(&world, SettingsChange::Update { set, remove }).await);
    assert!(settings(&world).await.get("half").is_none());
}
