use super::*;
use crate::domain::{RunnerPage, RunnerQuery, test_world::*};
use spiderq_core::{
    limits::{MAX_RUNNERS, MAX_RUNNERS_BYTES, RUNNER_KEPT, RUNNER_PAGE_BYTES},
    model::{Actor, ProjectId, SpiderName, Tags},
    store::RunnerStore as _,
};

fn id(text: &str) -> RunnerId {
    RunnerId::parse(text).unwrap()
}

fn runner(name: &str, projects: &[i64]) -> Runner {
    Runner {
        owner: String::new(),
        name: name.to_owned(),
        version: "1".to_owned(),
        projects: projects.iter().map(|number| project(*number)).collect(),
        only_spiders: SpiderNames::default(),
        has_tags: Tags::default(),
        lacks_tags: Tags::default(),
        units: 2,
        spiders: Some(SpiderNames::new([spider_name("books")])),
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

fn all(with_gone: bool) -> RunnerQuery {
    RunnerQuery { project: None, with_gone, after: None, limit: usize::MAX }
}

async fn list(world: &World, query: RunnerQuery) -> Vec<ListedRunner> {
    world.domain.list_runners(&caller(Role::Read), query).await.unwrap().runners
}

async fn names(world: &World, project: Option<ProjectId>, with_gone: bool) -> Vec<String> {
    let listed = list(world, RunnerQuery { project, ..all(with_gone) }).await;
    listed.iter().map(|listed| listed.runner.name.clone()).collect()
}

/// A key of role worker.
fn key(owner: &str, only: &[u64]) -> Caller {
    Caller::Key {
        id: "k".to_owned(),
        name: Actor::parse(owner).unwrap(),
        role: Role::Worker,
        projects: (!only.is_empty()).then(|| only.to_vec()),
    }
}

async fn register_by(world: &World, caller: &Caller, name: &str, runner: Runner) -> Result<()> {
    let active = status(RunnerState::Active);
    world.domain.register_runner(caller, id(name), runner, active).await
}

/// A thousand names of so many bytes.
fn spiders(code: usize, bytes: usize) -> Option<SpiderNames> {
    let name =
        |n| SpiderName::parse(&format!("{code:04}-{n:0digits$}", digits = bytes - 5)).unwrap();
    Some(SpiderNames::new((0..1_000).map(name)))
}

/// As registered before.
async fn keep(world: &World, owner: &str, name: &str, count: usize) {
    let active = RunnerStatus { reported: world.domain.now(), ..status(RunnerState::Active) };
    for n in 0..count {
        let runner = Runner { owner: owner.to_owned(), ..runner(name, &[53]) };
        world.store.put_runner(&id(&format!("{name}{n}")), runner, active).await.unwrap();
    }
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
    let listed = list(&world, all(true)).await;
    assert!(listed[0].is_lost);
    report(&world, "a", RunnerState::Draining).await.unwrap();
    let listed = list(&world, all(false)).await;
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
    let listed = list(&world, all(true)).await;
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

#[tokio::test]
async fn pages_go_on_after_a_place_and_end_by_their_bytes() {
    let world = World::new();
    // Two of the same name.
    for (name, shown) in [("1", "b"), ("2", "a"), ("3", "b"), ("4", "c")] {
        let runner = Runner { name: shown.to_owned(), ..runner(name, &[53]) };
        register_by(&world, &caller(Role::Worker), name, runner).await.unwrap();
    }
    let page = async |after: Option<(&str, &str)>, limit| {
        let after = after.map(|(name, after)| (name.to_owned(), id(after)));
        let query = RunnerQuery { after, limit, ..all(false) };
        let page: RunnerPage = world.domain.list_runners(&caller(Role::Read), query).await.unwrap();
        let ids: Vec<String> = page.runners.iter().map(|listed| listed.id.to_string()).collect();
        (ids.join(" "), page.has_more)
    };
    assert_eq!(page(None, 3).await, ("2 1 3".to_owned(), true));
    assert_eq!(page(Some(("b", "1")), 3).await, ("3 4".to_owned(), false));
    assert_eq!(page(Some(("c", "4")), 3).await, (String::new(), false));
    // Five of them take as much as a page may have.
    let large = Runner { spiders: spiders(0, 190), ..runner("large", &[53]) };
    assert_eq!(RUNNER_PAGE_BYTES / large.bytes(), 5);
    for name in ["5", "6", "7", "8", "9", "9a"] {
        let runner = Runner { name: name.to_owned(), ..large.clone() };
        register_by(&world, &caller(Role::Worker), name, runner).await.unwrap();
    }
    assert_eq!(page(None, 9).await, ("5 6 7 8 9".to_owned(), true));
    assert_eq!(page(Some(("9", "9")), 9).await, ("9a 2 1 3 4".to_owned(), false));
}

/// A key of one project sees the runners that take its jobs, and no other project of theirs.
#[tokio::test]
async fn a_key_sees_no_foreign_project() {
    let world = World::new();
    register(&world, "a", &[53, 54]).await;
    register(&world, "b", &[54]).await;
    let foreign = key("k", &[53]);
    let listed = world.domain.list_runners(&foreign, all(false)).await.unwrap().runners;
    let seen: Vec<_> =
        listed.iter().map(|listed| (listed.id.clone(), listed.runner.projects.clone())).collect();
    assert_eq!(seen, [(id("a"), vec![project(53)])]);
    let reported = world.domain.report_runner(&foreign, id("a"), status(RunnerState::Active)).await;
    let not_all = "this key does not reach all projects of the runner with this id";
    assert_eq!(message(reported), not_all);
    let registered = register_by(&world, &foreign, "x", runner("x", &[53, 54])).await;
    assert_eq!(message(registered), "this key does not reach project 54", "it named that itself");
}

/// Nobody puts a runner of theirs in the place of another.
#[tokio::test]
async fn an_id_stays_with_the_runner_that_registered_it() {
    let world = World::new();
    let (one, other) = (key("one", &[]), key("other", &[53]));
    register_by(&world, &one, "a", runner("a", &[53, 54])).await.unwrap();
    // The same again, after an answer that was lost.
    register_by(&world, &one, "a", runner("a", &[53, 54])).await.unwrap();
    let taken = "id: is that of another runner; choose another one";
    for (caller, runner) in [
        (&other, runner("a", &[53])),
        (&key("other", &[]), runner("a", &[53, 54])),
        (&one, Runner { spiders: None, ..runner("a", &[53, 54]) }),
    ] {
        assert_eq!(message(register_by(&world, caller, "a", runner).await), taken);
    }
    let listed = list(&world, all(true)).await;
    let expected = Runner { owner: "one".to_owned(), ..runner("a", &[53, 54]) };
    assert_eq!(*listed[0].runner, expected);
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
async fn runners_are_forgotten_a_week_after_they_are_gone() {
    let world = World::new();
    register(&world, "old", &[53]).await;
    world.pass(u64::try_from(RUNNER_KEPT.as_millis()).unwrap());
    world.domain.forget_runners().await.unwrap();
    assert_eq!(names(&world, None, true).await, ["old"]);
    world.pass(1);
    // A registration makes room itself.
    register(&world, "new", &[53]).await;
    assert_eq!(names(&world, None, true).await, ["new"]);
}

#[tokio::test]
async fn runners_that_are_there_stay_and_leave_room_for_other_owners() {
    let world = World::new();
    let (one, other) = (key("one", &[53]), key("other", &[53]));
    let half = MAX_RUNNERS / 2;
    keep(&world, "one", "a", half - 1).await;
    register_by(&world, &one, "last", runner("a", &[53])).await.unwrap();
    let refused = register_by(&world, &one, "more", runner("a", &[53])).await;
    let message_of_one = "runner: of this key's owner are at most as many as are free of 2000; \
                          1000 are there";
    assert_eq!(message(refused), message_of_one);
    // One that is registered already says so again.
    register_by(&world, &one, "a0", runner("a", &[53])).await.unwrap();
    keep(&world, "other", "b", half / 2 - 1).await;
    register_by(&world, &other, "last-of-b", runner("b", &[53])).await.unwrap();
    assert!(register_by(&world, &other, "more", runner("b", &[53])).await.is_err());
    assert_eq!(names(&world, None, false).await.len(), half + half / 2);
    // Those that are lost make room.
    world.pass(30_001);
    keep(&world, "other", "c", half - 1).await;
    register_by(&world, &other, "last-of-c", runner("c", &[53])).await.unwrap();
    let kept = names(&world, None, true).await;
    assert_eq!(kept.len(), MAX_RUNNERS);
    assert_eq!(kept.iter().filter(|name| *name == "c").count(), half);
}

#[tokio::test]
async fn names_of_spiders_have_a_limit_in_all() {
    let world = World::new();
    let (one, other) = (key("one", &[53]), key("other", &[53]));
    let large = |code| Runner { spiders: spiders(code, 185), ..runner("a", &[53]) };
    let half = (MAX_RUNNERS_BYTES / large(0).bytes()).div_ceil(2);
    for n in 0..half {
        register_by(&world, &one, &format!("a{n}"), large(n)).await.unwrap();
    }
    let refused = register_by(&world, &one, "more", large(half)).await;
    let expected = "of this key's owner take at most as much as is free of 32 MiB; register \
                    without the names of spiders";
    assert_eq!(message(refused), format!("spiders: {expected}"));
    let without = Runner { spiders: None, ..large(0) };
    register_by(&world, &one, "more", without).await.unwrap();
    register_by(&world, &other, "b", large(half)).await.unwrap();
    // The names of those that are gone make room, too.
    world.pass(30_001);
    for n in 0..half {
        register_by(&world, &other, &format!("c{n}"), large(n)).await.unwrap();
    }
    let bytes: usize = list(&world, all(true)).await.iter().map(|one| one.runner.bytes()).sum();
    assert!(bytes <= MAX_RUNNERS_BYTES, "{bytes}");
}

/// Runners of the same code share its list in memory.
#[tokio::test]
async fn equal_lists_of_spiders_are_kept_once() {
    let world = World::new();
    for name in ["a", "b"] {
        register(&world, name, &[53]).await;
    }
    let listed = list(&world, all(false)).await;
    let [a, b] = [0, 1].map(|at| listed[at].runner.spiders.clone().unwrap());
    assert!(a.is_same(&b));
}
