use super::*;
use crate::domain::{PushJob, ScheduleJob, SettingsUpdate, SpiderRef, test_world::*};
use spiderq_core::model::{
    JsonText, Metadata, Millis, Role, Runner, RunnerId, RunnerState, RunnerStatus, State, Tags,
    Units,
};

fn names(names: &[&str]) -> SpiderNames {
    SpiderNames::new(names.iter().map(|name| spider_name(name)))
}

fn runner(units: u32, spiders: Option<&[&str]>) -> Runner {
    Runner {
        owner: String::new(),
        name: "r".to_owned(),
        version: "1".to_owned(),
        projects: vec![project(53)],
        only_spiders: SpiderNames::default(),
        has_tags: Tags::default(),
        lacks_tags: Tags::default(),
        units,
        spiders: spiders.map(names),
        started: Millis(NOW),
    }
}

async fn register(world: &World, id: &str, state: RunnerState, runner: Runner) {
    let id = RunnerId::parse(id).unwrap();
    let status = RunnerStatus {
        reported: Millis(0),
        state,
        running_jobs: 0,
        running_units: 0,
        free_disk: None,
    };
    world.domain.register_runner(&caller(Role::Worker), id, runner, status).await.unwrap();
}

async fn only_known(world: &World) {
    let mut set = Metadata::default();
    set.set("spiders", JsonText::string("known"));
    let update = SettingsUpdate { set, ..SettingsUpdate::default() };
    world.domain.update_settings(&caller(Role::User), world.project, update).await.unwrap();
}

async fn schedule(world: &World, spider: &str, units: i64, tags: &[&str]) -> Result<Job> {
    schedule_in(world, State::Pending, spider, units, tags).await
}

async fn schedule_in(
    world: &World,
    state: State,
    spider: &str,
    units: i64,
    tags: &[&str],
) -> Result<Job> {
    let schedule = ScheduleJob {
        project: world.project,
        spider: SpiderRef::Name(spider_name(spider)),
        state,
        tags: Tags::parse(tags).unwrap(),
        priority: None,
        units: Some(Units::new(units).unwrap()),
        // No two are duplicates of each other.
        spider_args: [("job".to_owned(), format!("{units} {tags:?}"))].into(),
        cmd_args: None,
        job_settings: None,
        environment: Default::default(),
        version: None,
        metadata: Metadata::default(),
    };
    world.domain.schedule_job(&caller(Role::User), schedule, None).await
}

async fn warnings(world: &World, spider: &str, units: i64, tags: &[&str]) -> Vec<RunWarning> {
    let job = schedule(world, spider, units, tags).await.unwrap();
    world.domain.run_warnings(&job).await
}

fn unknown(spider: &str) -> RunWarning {
    RunWarning::UnknownSpider { spider: spider_name(spider) }
}

#[tokio::test]
async fn nothing_is_warned_of_where_no_runner_ever_registered() {
    assert_eq!(warnings(&World::new(), "books", 6, &[]).await, []);
}

#[tokio::test]
async fn a_job_that_no_runner_takes_is_told() {
    let world = World::new();
    let tag = |text| Tags::parse([text]).unwrap();
    let small = Runner { has_tags: tag("small"), ..runner(2, Some(&["books", "a"])) };
    register(&world, "1", RunnerState::Active, small).await;
    let large = Runner {
        only_spiders: names(&["a"]),
        lacks_tags: tag("small"),
        ..runner(4, Some(&["books", "a"]))
    };
    register(&world, "2", RunnerState::Active, large).await;
    assert_eq!(warnings(&world, "books", 1, &["small"]).await, []);
    assert_eq!(warnings(&world, "a", 4, &[]).await, []);
    assert_eq!(warnings(&world, "books", 2, &["large"]).await, [RunWarning::NoRunner]);
    let too_many = |most| RunWarning::TooManyUnits { most };
    assert_eq!(warnings(&world, "a", 3, &["small"]).await, [too_many(2)]);
    assert_eq!(warnings(&world, "a", 5, &["x"]).await, [too_many(4)]);
    assert_eq!(warnings(&world, "x", 1, &["small"]).await, [unknown("x")]);
    assert_eq!(warnings(&world, "y", 1, &[]).await, [unknown("y"), RunWarning::NoRunner]);
}

#[tokio::test]
async fn a_runner_that_takes_no_more_jobs_takes_none() {
    let world = World::new();
    register(&world, "1", RunnerState::Draining, runner(6, Some(&["books"]))).await;
    assert_eq!(warnings(&world, "books", 1, &[]).await, [RunWarning::NoRunner]);
    register(&world, "2", RunnerState::Active, runner(6, Some(&["books"]))).await;
    assert_eq!(warnings(&world, "books", 1, &["2"]).await.len(), 0);
}

#[tokio::test]
async fn a_spider_that_nobody_has_is_refused_where_only_known_ones_are_let_in() {
    let world = World::new();
    only_known(&world).await;
    let refused = async |spider: &str| message(schedule(&world, spider, 1, &[]).await);
    let no_spider = "spider: must be one that a runner of project 53 has, as its setting \
                     spiders=known says; ";
    let expected = format!("{no_spider}no runner has said which spiders it has");
    assert_eq!(refused("books").await, expected);
    register(&world, "1", RunnerState::Active, runner(1, Some(&["books", "quotes"]))).await;
    schedule(&world, "books", 1, &[]).await.unwrap();
    assert_eq!(refused("boks").await, format!("{no_spider}did you mean books?"));
    assert_eq!(refused("other").await, format!("{no_spider}they have books, quotes"));
    // Scripts are not listed.
    schedule(&world, "py:report.py", 1, &[]).await.unwrap();
    let jobs = vec![Ok(push_job("boks")), Ok(PushJob { ..push_job("quotes") })];
    let pushed = world.domain.push_jobs(&caller(Role::User), world.project, jobs, None).await;
    let pushed = pushed.unwrap();
    assert!(pushed[1].is_ok());
    let expected = format!("{no_spider}did you mean books?");
    assert_eq!(message(pushed.into_iter().next().unwrap()), expected);
}

/// To compare names takes time: a call with many wrong ones gets few suggestions, from names that
/// are short enough.
#[test]
fn suggestions_of_a_call_are_bounded() {
    let known = |lists: Vec<SpiderNames>| KnownSpiders {
        project: project(53),
        lists,
        has_any: false,
        is_fresh: true,
        suggestions: SUGGESTIONS,
    };
    let mut books = known(vec![names(&["books"])]);
    for _ in 0..SUGGESTIONS {
        assert_eq!(books.suggestion(&spider_name("boks")), Some("books".to_owned()));
    }
    assert_eq!(books.suggestion(&spider_name("boks")), None);
    let refusal = books.refusal(&spider_name("boks")).to_string();
    assert!(refusal.ends_with("; they have books"), "{refusal}");

    let long = "s".repeat(MAX_SUGGESTED_BYTES);
    let mut longer = known(vec![names(&[&long])]);
    assert_eq!(longer.suggestion(&spider_name(&format!("{long}s"))), None);
    let shorter = &long[1..];
    assert_eq!(longer.suggestion(&spider_name(shorter)), Some(long.clone()));

    // Those after many of the same length are not compared, nor those after many others.
    let many = |count: usize, digits: usize| {
        SpiderNames::new((0..count).map(|n| spider_name(&format!("{n:0digits$}"))))
    };
    let near = || names(&["books"]);
    let mut compared = known(vec![many(COMPARED_SPIDERS - 1, 5), near()]);
    assert_eq!(compared.suggestion(&spider_name("boks")), Some("books".to_owned()));
    let mut compared = known(vec![many(COMPARED_SPIDERS, 5), near()]);
    assert_eq!(compared.suggestion(&spider_name("boks")), None);
    let mut searched = known(vec![many(SEARCHED_SPIDERS - 1, 9), near()]);
    assert_eq!(searched.suggestion(&spider_name("boks")), Some("books".to_owned()));
    let mut searched = known(vec![many(SEARCHED_SPIDERS, 9), near()]);
    assert_eq!(searched.suggestion(&spider_name("boks")), None);
    let refusal = searched.refusal(&spider_name("boks")).to_string();
    assert!(refusal.ends_with("; they have more than 10 spiders"), "{refusal}");
}

#[tokio::test]
async fn what_runners_have_that_take_jobs_counts_before_what_others_had() {
    let world = World::new();
    only_known(&world).await;
    register(&world, "1", RunnerState::Stopped, runner(1, Some(&["old"]))).await;
    schedule(&world, "old", 1, &[]).await.unwrap();
    register(&world, "2", RunnerState::Active, runner(1, Some(&["new"]))).await;
    schedule(&world, "new", 1, &[]).await.unwrap();
    assert!(schedule(&world, "old", 1, &["again"]).await.is_err());
    // Whoever can't list its spiders may have any.
    register(&world, "3", RunnerState::Active, runner(1, None)).await;
    schedule(&world, "any", 1, &[]).await.unwrap();
}

/// Another process has the runner registered: what is remembered here is not the last word.
#[tokio::test]
async fn a_refusal_looks_again_at_the_runners() {
    let world = World::new();
    only_known(&world).await;
    register(&world, "1", RunnerState::Active, runner(1, Some(&["a"]))).await;
    let other = world.restarted();
    assert!(schedule(&other, "b", 1, &[]).await.is_err());
    register(&world, "2", RunnerState::Active, runner(1, Some(&["b"]))).await;
    schedule(&other, "b", 1, &[]).await.unwrap();
}

#[tokio::test]
async fn a_job_that_does_not_wait_is_not_warned_of() {
    let world = World::new();
    register(&world, "1", RunnerState::Active, runner(1, Some(&["books"]))).await;
    let job = schedule_in(&world, State::Running, "other", 6, &[]).await.unwrap();
    assert_eq!(world.domain.run_warnings(&job).await, []);
}

#[tokio::test]
async fn one_call_looks_at_the_runners_twice_at_most() {
    let world = World::new();
    only_known(&world).await;
    register(&world, "1", RunnerState::Active, runner(1, Some(&["books"]))).await;
    let before = world.store.runner_looks();
    let world = world.restarted();
    let jobs = (0..50).map(|n| Ok(push_job(&format!("other{n}")))).collect();
    let pushed = world.domain.push_jobs(&caller(Role::User), world.project, jobs, None).await;
    assert!(pushed.unwrap().iter().all(Result::is_err));
    assert_eq!(world.store.runner_looks() - before, 2);
}

/// On a Cluster they may be on a master that is away while that of the project is there.
#[tokio::test(start_paused = true)]
async fn without_the_runners_jobs_are_scheduled_by_what_was_known() {
    let world = World::new();
    register(&world, "1", RunnerState::Active, runner(1, Some(&["books"]))).await;
    assert_eq!(warnings(&world, "books", 6, &[]).await, [RunWarning::TooManyUnits { most: 1 }]);
    only_known(&world).await;
    world.store.set_runners_away(true);
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    let before = world.store.runner_looks();
    assert_eq!(warnings(&world, "books", 5, &[]).await, [RunWarning::TooManyUnits { most: 1 }]);
    assert_eq!(warnings(&world, "books", 1, &[]).await, []);
    assert_eq!(world.store.runner_looks() - before, 1, "it is asked once in 5 s");
    // A refusal needs the runners as they are now.
    let refused = schedule(&world, "other", 1, &[]).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
}
