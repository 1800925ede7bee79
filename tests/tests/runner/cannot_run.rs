//! A runner that can't run jobs refuses to start, or stops: it does not fail the jobs of its queue.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt as _, fs::symlink},
    path::{Path, PathBuf},
};

use serde_json::Value;
use spiderq_tests::{Program, StoreKind, eventually, program, python, start_crawl};

use crate::world::{Runner, World};

/// A file `name` that can be run, in `folder`.
fn command(folder: &Path, name: &str, script: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

/// Nothing has happened to the job.
async fn is_untouched(world: &World, job: &str) {
    let metadata = world.metadata(job).await;
    assert_eq!(metadata["state"], "pending");
    assert!(metadata.get("close_reason").is_none(), "{metadata}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_program_that_is_not_there_is_told_before_any_job_is_taken() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("books", &[]).await;
    let beside = program().parent().unwrap().display().to_string();
    for (flags, expected) in [
        (
            ["--start-crawl", "/no/such"],
            "can't run jobs: /no/such is no file that can be run; activate its environment (pip \
             install scrapy scrapinghub-entrypoint-scrapy), or name it by --start-crawl FILE or \
             --python FILE"
                .to_owned(),
        ),
        (["--start-crawl", "no-such"], format!("nor beside this program (in {beside}); activate")),
        (["--python", "no-such"], "can't run jobs: no-such is neither on PATH (".to_owned()),
        (["--command", "no-such {key}"], "can't run jobs: no-such is neither on PATH".to_owned()),
    ] {
        let said = world.runner_of(&flags).fail();
        assert!(
            said.contains(&format!("spiderq: {expected}")) || said.contains(&expected),
            "{said}"
        );
        assert!(!said.contains("taking jobs"), "{said}");
        is_untouched(&world, &job).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_python_without_the_entry_point_is_told_before_any_job_is_taken() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("books", &[]).await;
    let folder = tempfile::tempdir().unwrap();
    // The Python of the tests, without the packages of its environment.
    let bare =
        command(folder.path(), "python", &format!("exec {} -I -S \"$@\"", python().display()));
    let said = world.runner_of(&["--python", bare.to_str().unwrap()]).fail();
    let expected = format!(
        "spiderq: can't run jobs: {}, which lists spiders, ended with code 1: \
         ModuleNotFoundError: No module named 'sh_scrapy'; activate",
        bare.display()
    );
    assert!(said.contains(&expected), "{said}");
    is_untouched(&world, &job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_project_that_is_not_there_or_does_not_load_is_told() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("books", &[]).await;
    let command = start_crawl();
    let said = world.runner_of(&["--start-crawl", command.to_str().unwrap()]).fail();
    let expected = "can't run jobs: there is no Scrapy project: no scrapy.cfg in this folder or \
                    above, and no installed package with spiders; name its folder by --project-dir";
    assert!(said.contains(expected), "{said}");

    let settings = Path::new(&world.project()).join("shop/settings.py");
    fs::write(settings, "raise ValueError('the shop has burnt down')\n").unwrap();
    let said = world.runner(&[]).fail();
    assert!(said.contains("ended with code 1: ValueError: the shop has burnt down"), "{said}");
    is_untouched(&world, &job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_program_is_found_beside_the_runner() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("books", &[("url", &world.site.url)]).await;
    // As pip installs them: in one folder, which is not on PATH.
    let folder = tempfile::tempdir().unwrap();
    symlink(program(), folder.path().join("spiderq")).unwrap();
    for name in ["start-crawl", "shub-image-info"] {
        symlink(start_crawl().with_file_name(name), folder.path().join(name)).unwrap();
    }
    let flags = world.flags(&["--once", "--project-dir", &world.project()]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let printed = Runner(Program::spawn_as(&folder.path().join("spiderq"), &flags)).join();
    assert!(printed.contains("found the project's spiders spiders=3"), "{printed}");
    assert_eq!(world.metadata(&job).await["close_reason"], "finished");
}

/// The states of jobs that come back when their leases have expired.
async fn come_back(world: &World, jobs: &[String]) {
    for job in jobs {
        let back = async || (world.metadata(job).await["state"] == "pending").then_some(());
        eventually("a job does not come back", back).await;
        is_untouched(world, job).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_quick_failures_in_a_row_are_the_runners_fault() {
    let folder = tempfile::tempdir().unwrap();
    let silent = command(folder.path(), "start-crawl", "echo 'no Scrapy here' >&2; exit 1");
    let script = command(folder.path(), "task", "no-such-command");
    let programs = [
        (["--start-crawl", silent.to_str().unwrap()], "code 1 and said: [stderr] no Scrapy here"),
        (["--command", script.to_str().unwrap()], "code 127 and said: [stderr] "),
    ];
    for (program, end) in programs {
        for units in ["1", "6"] {
            let world = World::start(StoreKind::Sqlite).await;
            let mut jobs = Vec::new();
            for n in 0..8 {
                jobs.push(world.schedule("books", &[("n", &n.to_string())]).await);
            }
            let flags = ["--once", "--lease", "1", "--units", units];
            let said = world.runner_of(&[flags.as_slice(), &program].concat()).fail();
            let told = "spiderq: jobs can't be run here: 5 jobs in a row ended without a word within \
                        10s or could not be run; the last one ended with";
            assert!(said.contains(&format!("{told} {end}")), "{said}");
            let not_run = said.matches("not run; its lease will expire").count();
            // While failures wait for a verdict, other jobs get their units.
            assert!((5..=8).contains(&not_run), "{said}");
            come_back(&world, &jobs).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fewer_quick_failures_are_those_of_their_jobs() {
    let world = World::start(StoreKind::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let picky = command(folder.path(), "start-crawl", "test \"$SHUB_SPIDER\" = good");
    let mut jobs = Vec::new();
    for spider in ["a", "b", "c", "d", "good", "e", "f", "g", "h"] {
        jobs.push((spider, world.schedule(spider, &[]).await));
    }
    world.runner_of(&["--once", "--units", "1", "--start-crawl", picky.to_str().unwrap()]).join();
    for (spider, job) in jobs {
        let reason = if spider == "good" { "finished" } else { "failed" };
        assert_eq!(world.metadata(&job).await["close_reason"], reason, "{spider}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_that_has_worked_once_may_fail_often() {
    let world = World::start(StoreKind::Sqlite).await;
    let mut jobs = Vec::new();
    for spider in ["good", "a", "b", "c", "d", "e", "f"] {
        jobs.push((spider, world.schedule(spider, &[]).await));
    }
    world.runner_of(&["--once", "--units", "1", "--command", "test {spider} = good"]).join();
    for (spider, job) in jobs {
        let reason = if spider == "good" { "finished" } else { "failed" };
        assert_eq!(world.metadata(&job).await["close_reason"], reason, "{spider}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_program_that_goes_away_stops_the_runner_at_its_next_job() {
    let world = World::start(StoreKind::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let program = command(folder.path(), "task", "echo done");
    let flags = ["--lease", "1", "--command", program.to_str().unwrap()];
    let mut runner = world.runner_of(&flags);
    let good = world.schedule("good", &[]).await;
    runner.wait_for_end(&good);
    fs::remove_file(&program).unwrap();
    let job = world.schedule("late", &[]).await;
    let said = runner.fail();
    assert!(
        said.contains("can't be run here: the program of jobs is not there any more"),
        "{said}"
    );
    come_back(&world, &[job]).await;
    assert_eq!(world.metadata(&good).await["close_reason"], Value::from("finished"));
}
