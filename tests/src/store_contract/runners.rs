//! Runners. They belong to no project, so that each case needs a store of its own.

use std::sync::Arc;

use spiderq_core::{
    model::{
        Millis, ProjectId, Runner, RunnerId, RunnerState, RunnerStatus, SpiderName, SpiderNames,
        Tag, Tags,
    },
    store::Store,
};

fn id(text: &str) -> RunnerId {
    RunnerId::parse(text).unwrap()
}

fn spiders(names: &[&str]) -> SpiderNames {
    SpiderNames::new(names.iter().map(|name| SpiderName::parse(name).unwrap()))
}

fn tags(names: &[&str]) -> Tags {
    Tags::new(names.iter().map(|name| Tag::parse(name).unwrap())).unwrap()
}

fn runner() -> Runner {
    Runner {
        owner: "ö".to_owned(),
        name: "ünï \"x\" {a}:*@host".to_owned(),
        version: "0.1.0".to_owned(),
        projects: [7, i64::try_from(spiderq_core::limits::MAX_NUMBER).unwrap()]
            .map(|number| ProjectId::new(number).unwrap())
            .to_vec(),
        only_spiders: spiders(&["b", "a b"]),
        has_tags: tags(&["x", "y, z"]),
        lacks_tags: tags(&["w"]),
        units: u32::MAX,
        spiders: Some(spiders(&["b", "蜘蛛"])),
        started: Millis(5),
    }
}

fn bare() -> Runner {
    Runner {
        only_spiders: SpiderNames::default(),
        has_tags: tags(&[]),
        lacks_tags: tags(&[]),
        spiders: None,
        ..runner()
    }
}

fn status(state: RunnerState) -> RunnerStatus {
    RunnerStatus {
        reported: Millis(9),
        state,
        running_jobs: 2,
        running_units: 3,
        free_disk: Some(1 << 40),
    }
}

/// Every field comes back; no list of spiders is another thing than an empty one.
pub async fn a_runner_comes_back_as_it_was(store: Arc<dyn Store>) {
    assert_eq!(store.runner_statuses().await.unwrap(), []);
    let empty = Runner { spiders: Some(SpiderNames::default()), ..bare() };
    let all = [("c", runner()), ("a", bare()), ("b", empty)];
    for ((id_text, runner), state) in all.iter().zip(RunnerState::ALL) {
        store.put_runner(&id(id_text), runner.clone(), status(state)).await.unwrap();
    }
    let found = store.runners(&["c", "none", "a", "b"].map(id)).await.unwrap();
    let [(_, c), (_, a), (_, b)] = all;
    assert_eq!(found, [Some(c), None, Some(a), Some(b)]);
    assert_eq!(store.runners(&[]).await.unwrap(), []);
    let [active, draining, stopped] = RunnerState::ALL.map(status);
    let expected = [(id("a"), draining), (id("b"), stopped), (id("c"), active)];
    assert_eq!(store.runner_statuses().await.unwrap(), expected);
}

/// Only a runner that is there has a status, and a second one takes the place of the first.
pub async fn a_status_is_set_again(store: Arc<dyn Store>) {
    let later =
        RunnerStatus { reported: Millis(10), free_disk: None, ..status(RunnerState::Stopped) };
    assert!(!store.set_runner_status(&id("a"), later).await.unwrap());
    assert_eq!(store.runner_statuses().await.unwrap(), []);
    store.put_runner(&id("a"), runner(), status(RunnerState::Active)).await.unwrap();
    assert!(store.set_runner_status(&id("a"), later).await.unwrap());
    assert_eq!(store.runner_statuses().await.unwrap(), [(id("a"), later)]);
    store.put_runner(&id("a"), bare(), status(RunnerState::Active)).await.unwrap();
    let found = store.runner_statuses().await.unwrap();
    assert_eq!(found, [(id("a"), status(RunnerState::Active))]);
    assert_eq!(store.runners(&[id("a")]).await.unwrap(), [Some(bare())]);
}

/// Those that are named go, with their status.
pub async fn runners_are_removed(store: Arc<dyn Store>) {
    for name in ["a", "b", "c"] {
        store.put_runner(&id(name), runner(), status(RunnerState::Active)).await.unwrap();
    }
    store.remove_runners(&[]).await.unwrap();
    store.remove_runners(&["a", "none", "c"].map(id)).await.unwrap();
    let left = store.runner_statuses().await.unwrap();
    assert_eq!(left, [(id("b"), status(RunnerState::Active))]);
    let found = store.runners(&["a", "b", "c"].map(id)).await.unwrap();
    assert_eq!(found, [None, Some(runner()), None]);
}
