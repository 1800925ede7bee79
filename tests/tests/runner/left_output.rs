//! Output that a killed runner leaves: the next one on its data folder sends it, as far as the
//! server takes it.

use std::fs;

use spiderq_proto::v1::{JobState, OutputKind};
use spiderq_tests::{StoreKind, eventually, start_crawl};

use crate::{
    left_world::{LeftWorld, TOTAL, TWO_ROUNDS, fence, last_item, left_items, move_to},
    output::{lines, lines_of, sending},
    world::World,
};

/// Items that the server has when a runner is killed.
const MOMENTS: [usize; 10] = [1, 7, 64, 333, 500, 1_000, 1_024, 1_999, 2_500, 2_999];

async fn kill_again_and_again(kind: StoreKind) {
    let world = LeftWorld::start(kind);
    for (moment, stored) in MOMENTS.into_iter().enumerate() {
        let (mut first, job) = world.begin(stored).await;
        let folder = world.data().join(&job);
        world.wait_stored(&job, stored).await;
        if moment % 2 == 0 {
            // All of the second round is in the files, and nothing of it is acknowledged.
            world.server.send_signal("STOP");
            world.open_gate(1);
            world.wait_spooled(&job, TWO_ROUNDS).await;
            first.kill();
            world.server.send_signal("CONT");
        } else {
            world.open_gate(1);
            world.wait_spooled(&job, stored + 1).await;
            first.kill();
        }
        let (fence, spooled) = (fence(&folder), last_item(&folder));
        assert!(spooled > stored && (moment % 2 == 1 || spooled == TWO_ROUNDS));
        let mut second = world.runner(&[]);
        world.wait_sent(&job).await;
        world.assert_items(&job, 1, spooled).await;
        world.move_to(&job, &fence, JobState::Pending).await;
        second.wait_for_end(&job);
        second.signal();
        let said = second.join();
        assert!(!said.contains(&fence) && !said.contains("left is "), "{said}");
        world.assert_items(&job, 1, spooled).await;
        world.assert_items(&job, 2, TOTAL).await;
        assert_eq!(world.row(&job).await["items_scraped"], TOTAL);
        assert!(!folder.exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_next_runner_sends_what_a_killed_one_has_left_on_sqlite() {
    kill_again_and_again(StoreKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_next_runner_sends_what_a_killed_one_has_left_on_redis() {
    kill_again_and_again(StoreKind::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lines_of_a_job_that_has_just_ended_are_late_but_sent() {
    let world = LeftWorld::start(StoreKind::Sqlite);
    let (job, fence) = leave_second_round(&world, 10).await;
    world.move_to(&job, &fence, JobState::Finished).await;
    let said = world.idle_runner();
    let expected = "sent the output that an earlier runner left";
    assert!(said.lines().any(|line| line.contains(expected) && line.contains("lines=2990")));
    world.assert_items(&job, 1, TWO_ROUNDS).await;
    assert!(!world.data().join(&job).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_refused_is_told_once_and_stays() {
    let world = LeftWorld::start(StoreKind::Sqlite);
    let (job, fence) = leave_second_round(&world, 10).await;
    world.move_to(&job, &fence, JobState::Pending).await;
    let folder = world.data().join(&job);
    let left = left_items(&folder);
    let said = world.idle_runner();
    let told: Vec<&str> = said.lines().filter(|line| line.contains("is refused")).collect();
    assert_eq!(told.len(), 1, "{said}");
    let parts = [format!("job=\"{job}\""), "lines=2990".into(), folder.display().to_string()];
    assert!(parts.iter().all(|part| told[0].contains(part)), "{said}");
    assert!(!said.contains(&fence), "{said}");
    assert_eq!(left_items(&folder), left);
    assert!(!folder.join("spool.1.jl").exists());
    let said = world.idle_runner();
    assert!(!said.contains(&job), "{said}");
    world.assert_items(&job, 1, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_of_which_the_server_has_every_line_go_without_a_word() {
    let world = LeftWorld::start(StoreKind::Sqlite);
    let (mut first, job) = world.begin(10).await;
    world.wait_stored(&job, 10).await;
    first.kill();
    let folder = world.data().join(&job);
    world.move_to(&job, &fence(&folder), JobState::Pending).await;
    let said = world.idle_runner();
    assert!(!said.contains(&job), "{said}");
    assert!(!folder.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_living_runners_files_are_left_alone() {
    let world = LeftWorld::start(StoreKind::Sqlite);
    let (mut first, job) = world.begin(10).await;
    world.wait_stored(&job, 10).await;
    let said = world.idle_runner();
    assert!(!said.contains(&job), "{said}");
    assert_eq!(last_item(&world.data().join(&job)), 10);
    world.open_gate(1);
    world.wait_stored(&job, TWO_ROUNDS).await;
    world.open_gate(2);
    first.wait_for_end(&job);
    world.assert_items(&job, 1, TOTAL).await;
    assert!(!world.data().join(&job).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_belongs_to_another_project_or_server_is_left_alone() {
    let world = LeftWorld::start(StoreKind::Sqlite);
    let (job, _) = leave_second_round(&world, 10).await;
    let folder = world.data().join(&job);
    let url = &world.server.url;
    for (url, project) in [(url, "2"), (&url.replace("127.0.0.1", "localhost"), "1")] {
        let more = ["--once", "--spider", "another"];
        let said = world.runner_of(url, project, &more).join();
        assert!(!said.contains(&job), "{said}");
        assert!(folder.join("spool.1.jl").exists());
    }
    world.assert_items(&job, 1, 10).await;
    world.idle_runner();
    world.assert_items(&job, 1, TWO_ROUNDS).await;
}

/// A job of which the server has the first round only, and a runner that was killed has left the
/// second; its key and fence.
async fn leave_second_round(world: &LeftWorld, first_round: usize) -> (String, String) {
    let (mut first, job) = world.begin(first_round).await;
    world.wait_stored(&job, first_round).await;
    world.server.send_signal("STOP");
    world.open_gate(1);
    world.wait_spooled(&job, TWO_ROUNDS).await;
    first.kill();
    world.server.send_signal("CONT");
    let fence = fence(&world.data().join(&job));
    (job, fence)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crawl_of_a_killed_runner_is_sent_and_run_again() {
    let world = World::start(StoreKind::Redis).await;
    let (command, project) = (start_crawl(), world.project());
    let command = command.to_str().unwrap();
    let flags = ["--start-crawl", command, "--project-dir", &project, "--lease", "600"];
    let grpc = world.stack.grpc();
    let job = world.schedule("endless", &[("url", &world.site.url)]).await;
    let many = async |count: usize| {
        let found = async || {
            let items = lines(&grpc, &job, OutputKind::Items).await;
            (items.len() >= count).then_some(items)
        };
        eventually("no items", found).await
    };
    let mut first = sending(&world, &flags);
    first.wait_for("started job=");
    many(5).await;
    first.kill();
    let folder = world.file(&job, "");
    let (fence, left) = (fence(&folder), left_items(&folder));
    let mut second = sending(&world, &flags);
    eventually("files stay", async || (!folder.exists()).then_some(())).await;
    // No file was full: all items of the attempt are in one.
    let sent = lines_of(&grpc, &job, OutputKind::Items, Some(1)).await;
    assert_eq!(sent, left);
    move_to(&grpc, &job, &fence, JobState::Pending).await;
    second.wait_for("started job=");
    many(5).await;
    world.stop(&job).await;
    second.wait_for_end(&job);
    let items = lines_of(&grpc, &job, OutputKind::Items, Some(2)).await;
    assert_eq!(world.row(&job).await["items_scraped"], items.len());
    let page = |n: usize| format!("{}/endless/{n}", world.site.url);
    for (index, item) in items.iter().enumerate() {
        assert_eq!(item["page"], page(index + 1));
    }
    assert_eq!(lines_of(&grpc, &job, OutputKind::Items, Some(1)).await, left);
    assert!(!fs::exists(folder).unwrap());
}
