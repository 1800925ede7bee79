//! One runner, several jobs: units and projects.

use spiderq_tests::StoreKind;

use crate::world::World;

/// The jobs that `printed` says were started, in order.
fn started(printed: &str) -> Vec<&str> {
    let lines = printed.lines().filter_map(|line| line.split_once("started job=\""));
    lines.map(|(_, rest)| rest.split('"').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn projects_take_turns() {
    let world = World::start(StoreKind::Sqlite).await;
    for spider in ["a", "b"] {
        world.schedule_in(1, spider, &[]).await;
    }
    for spider in ["a", "b"] {
        world.schedule_in(2, spider, &[]).await;
    }
    let flags = ["--once", "--units", "1", "--project", "2", "--command", "true"];
    let printed = world.runner_of(&flags).join();
    assert_eq!(started(&printed), ["1/1/1", "2/1/1", "1/2/1", "2/2/1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_runner_of_several_projects_runs_jobs_of_each() {
    let world = World::start(StoreKind::Sqlite).await;
    let mut runner = world.runner_of(&["--project", "2", "--command", "true"]);
    runner.wait_for("taking jobs");
    for project in [2, 1, 2] {
        let job = world.schedule_in(project, "any", &[]).await;
        runner.wait_for_end(&job);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_waits_for_its_units_and_a_smaller_one_does_not() {
    let world = World::start(StoreKind::Sqlite).await;
    let first = world.schedule("small", &[]).await;
    let mut runner = world.runner_of(&["--units", "2", "--command", "tail -f /dev/null"]);
    runner.wait_for(&format!("started job=\"{first}\""));
    let large = world.schedule("large", &[("units", "2")]).await;
    let small = world.schedule("small", &[("n", "2")]).await;
    runner.wait_for(&format!("started job=\"{small}\""));
    for job in [&first, &small, &large] {
        runner.wait_for(&format!("started job=\"{job}\""));
        world.stop(job).await;
        runner.wait_for_end(job);
    }
    runner.signal();
    let printed = runner.join();
    assert_eq!(started(&printed), [&first, &small, &large]);
    let place = |text: &str| printed.find(text).unwrap();
    let begin = place(&format!("started job=\"{large}\""));
    assert!(begin > place(&format!("ended job=\"{first}\"")), "{printed}");
    assert!(begin > place(&format!("ended job=\"{small}\"")), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_is_refused_ends_the_runner() {
    let world = World::start(StoreKind::Sqlite).await;
    let (status, _, said) = spiderq_tests::run(&[
        "runner",
        "--server",
        &world.stack.url,
        "--project",
        "1",
        "--command",
        "true",
        "--api-key",
        "ffffffffffffffffffffffffffffffff",
    ]);
    assert!(!status.success());
    assert!(said.contains("spiderq: project 1: "), "{said}");
    assert!(!said.contains("ffffffff"), "{said}");
}
