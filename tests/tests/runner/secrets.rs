//! What the runner never logs.

use spiderq_tests::StoreKind;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_log_shows_the_key() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    let flags = ["--once", "--log", "trace", "--command", "true"];
    let printed = world.runner_of(&flags).join();
    assert!(printed.contains(&format!("ended job=\"{job}\"")), "{printed}");
    assert!(!printed.contains(&world.worker));
}
