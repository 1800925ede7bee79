//! What a job may use: bytes of output, and what the kernel gives its processes.

use std::fs;

use spiderq_tests::StoreKind;

use crate::world::World;

const FULL: &str = "logs and items have reached the runner's --max-bytes: the job is stopped, and \
                    what it still writes is lost";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_writes_too_much_is_ended_and_the_runner_goes_on() {
    let world = World::start(StoreKind::Sqlite).await;
    let items = r#"sh -c 'exec yes "ITM {\"n\": 1}" > $SHUB_FIFO_PATH'"#;
    // Writes without end; has ended long before the runner has read it all.
    for command in ["yes", "seq 20000", items] {
        let job = world.schedule("any", &[]).await;
        let next = world.schedule("next", &[]).await;
        let flags = ["--once", "--units", "1", "--max-bytes", "30000", "--rotate-bytes", "9000"];
        world.runner_of(&[flags.as_slice(), &["--command", command]].concat()).join();
        for key in [job, next] {
            let metadata = world.metadata(&key).await;
            assert_eq!(metadata["close_reason"], "cancelled (output limit)", "{command}");
            let files = fs::read_dir(world.file(&key, "")).unwrap();
            let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
            let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
            assert!((29_000..=30_200).contains(&bytes), "{command}: {bytes}");
            let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
            let told: usize = texts.map(|text| text.matches(FULL).count()).sum();
            assert_eq!(told, 1, "{command}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_kernel_limits_the_processes_of_a_job() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[("units", "2")]).await;
    let limits = [
        "--memory-limit=300",
        "--open-files-limit=50",
        "--processes-limit=5000",
        "--file-size-limit=1000000",
    ];
    let flags = ["--once", "--command", "cat /proc/self/limits"];
    world.runner_of(&[flags.as_slice(), &limits].concat()).join();
    let rows: Vec<String> = world.messages(&job);
    let row = |name: &str| {
        let name = format!("[stdout] {name} ");
        let row = rows.iter().find_map(|row| row.strip_prefix(&name));
        let row: Vec<&str> = row.unwrap().split_whitespace().take(2).collect();
        row.join(" ")
    };
    // For each of its units.
    assert_eq!(row("Max address space"), "629145600 629145600");
    assert_eq!(row("Max open files"), "50 50");
    assert_eq!(row("Max processes"), "5000 5000");
    assert_eq!(row("Max file size"), "1000000 1000000");
    assert_eq!(world.metadata(&job).await["close_reason"], "finished");
}
