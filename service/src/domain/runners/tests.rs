use super::*;
use crate::domain::test_world::*;
use spiderq_core::{
    model::{SpiderName, Tags},
    store::RunnerStore as _,
};

fn id(text: &str) -> RunnerId {
    RunnerId::parse(text).unwrap()
}

fn runner(name: &str, projects: &[i64]) -> Runner {
    Runner {
        name: name.to_owned(),
        version: "1".to_owned(),
        projects: projects.iter().map(|number| project(*number)).collect(),
        only_spiders: Vec::new(),
        has_tags: Tags::default(),
        lacks_tags: Tags::default(),
        units: 2,
        spiders: Some(vec![SpiderName::parse("books").unwrap()]),
        started: Millis(NOW),
    }
}

fn status(state: RunnerState) -> RunnerStatus {
    RunnerStatus { reported: Millis(0), state, running_jobs: 1, running_units: 2, free_disk: None }
}

async fn register(world: &World, name: &str, projects: &[i64]) {
    let (worker, active) = (caller(Role::Worker), status(RunnerState::Active));
    let registered =
        world.domain.register_runner(&worker, id(name), runner(name, projects), active);
    registered.await.unwrap();
}

async fn report(world: &World, name: &str, state: RunnerState) -> Result<()> {
    world.domain.report_runner(&caller(Role::Worker), id(name), status(state)).await
}

async fn names(world: &World, project: Option<ProjectId>, with_gone: bool) -> Vec<String> {
    let listed = world.domain.list_runners(&caller(Role::Read), project, with_gone).await.unwrap();
    listed.iter().map(|listed| listed.runner.name.clone()).collect()
}

#[tokio::test]
async fn a_runner_is_lost_while_it_says_nothing() {
    let world = World::new();
    register(&world, "a", &[53]).await;
    world.pass(30_000);
    assert_eq!(names(&world, None, false).await, ["a"]);
    world.pass(1);
    assert_eq!(names(&world, None, false).await, [""; 0]);
    assert_eq!(names(&world, None, true).await, ["a"]);
    let listed = world.domain.list_runners(&caller(Role::Read), None, true).await.unwrap();
    assert!(listed[0].is_lost);
    report(&world, "a", RunnerState::Draining).await.unwrap();
    let listed = world.domain.list_runners(&caller(Role::Read), None, false).await.unwrap();
    let now = RunnerStatus { reported: world.domain.now(), ..status(RunnerState::Draining) };
    assert_eq!((listed[0].status, listed[0].is_lost), (now, false));
}

#[tokio::test]
async fn a_runner_that_has_stopped_is_gone_and_not_lost() {
    let world = World::new();
    register(&world, "a", &[53]).await;
    report(&world, "a", RunnerState::Stopped).await.unwrap();
    assert_eq!(names(&world, None, false).await, [""; 0]);
    world.pass(60_000);
    let listed = world.domain.list_runners(&caller(Role::Read), None, true).await.unwrap();
    assert!(!listed[0].is_lost);
}

#[tokio::test]
async fn runners_are_those_of_a_project_by_name() {
    let world = World::new();
    for (name, projects) in [("c", [53, 54]), ("a", [54, 55]), ("b", [53, 55])] {
        register(&world, name, &projects).await;
    }
    assert_eq!(names(&world, None, false).await, ["a", "b", "c"]);
    assert_eq!(names(&world, Some(project(53)), false).await, ["b", "c"]);
    assert_eq!(names(&world, Some(project(56)), false).await, [""; 0]);
}

/// A key of one project sees the runners that take its jobs, and no other project of theirs.
#[tokio::test]
async fn a_key_sees_no_foreign_project() {
    let world = World::new();
    register(&world, "a", &[53, 54]).await;
    register(&world, "b", &[54]).await;
    let key = |role, only: &[u64]| Caller::Key {
        id: "k".to_owned(),
        name: spiderq_core::model::Actor::parse("k").unwrap(),
        role,
        projects: Some(only.to_vec()),
    };
    let listed = world.domain.list_runners(&key(Role::Read, &[53]), None, false).await.unwrap();
    let seen: Vec<_> =
        listed.iter().map(|listed| (listed.id.clone(), listed.runner.projects.clone())).collect();
    assert_eq!(seen, [(id("a"), vec![project(53)])]);
    let foreign = key(Role::Worker, &[53]);
    let active = status(RunnerState::Active);
    let reported = world.domain.report_runner(&foreign, id("a"), active).await;
    assert_eq!(message(reported), "this key does not reach project 54");
    let registered =
        world.domain.register_runner(&foreign, id("x"), runner("x", &[53, 54]), active).await;
    assert_eq!(message(registered), "this key does not reach project 54");
}

#[tokio::test]
async fn a_runner_that_is_not_known_must_register() {
    let world = World::new();
    let refused = report(&world, "a", RunnerState::Active).await;
    assert_eq!(message(refused), "there is no runner a: register it");
    // Also where another process has forgotten it.
    register(&world, "a", &[53]).await;
    world.store.remove_runners(&[id("a")]).await.unwrap();
    let refused = report(&world, "a", RunnerState::Active).await;
    assert_eq!(message(refused), "there is no runner a: register it");
    register(&world, "a", &[53]).await;
    report(&world, "a", RunnerState::Active).await.unwrap();
}

#[tokio::test]
async fn old_runners_are_forgotten_and_no_more_than_a_thousand_kept() {
    let world = World::new();
    register(&world, "old", &[53]).await;
    world.pass(1);
    for n in 0..MAX_RUNNERS - 1 {
        register(&world, &format!("r{n}"), &[53]).await;
    }
    world.domain.forget_runners().await.unwrap();
    assert_eq!(names(&world, None, true).await.len(), MAX_RUNNERS);
    // A registration makes room itself.
    register(&world, "new", &[53]).await;
    let kept = names(&world, None, true).await;
    assert_eq!(kept.len(), MAX_RUNNERS);
    assert!(kept.contains(&"new".to_owned()) && !kept.contains(&"old".to_owned()));
    world.pass(u64::try_from(RUNNER_KEPT.as_millis()).unwrap());
    world.domain.forget_runners().await.unwrap();
    assert_eq!(names(&world, None, true).await.len(), MAX_RUNNERS);
    world.pass(1);
    register(&world, "last", &[53]).await;
    world.domain.forget_runners().await.unwrap();
    assert_eq!(names(&world, None, true).await, ["last"]);
}
