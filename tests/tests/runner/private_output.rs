//! Who may read what jobs say, and what it can do to the runner's own log.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::json;
use spiderq_tests::StoreKind;

use crate::world::{World, run_script, script};

/// The modes of a folder and of all in it.
fn modes(path: &Path, found: &mut Vec<(String, u32)>) {
    let metadata = fs::metadata(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    found.push((name, metadata.permissions().mode() & 0o777));
    if metadata.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        entries.for_each(|entry| modes(&entry.unwrap().path(), found));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_the_runners_user_can_read_logs_and_items() {
    let world = World::start(StoreKind::Sqlite).await;
    let job = world.schedule("any", &[]).await;
    world.runner_of(&["--once", "--rotate-bytes", "1", "--command", "seq 2"]).join();
    assert_eq!(world.metadata(&job).await["close_reason"], "finished");
    let mut found = Vec::new();
    modes(&world.data(), &mut found);
    found.sort();
    let folders = ["1", "1", "1", "data"].map(|name| (name.to_owned(), 0o700));
    let files = ["items.1.jl", "log.1.jl", "log.2.jl", "requests.1.jl"];
    let files = files.map(|name| (name.to_owned(), 0o600));
    assert_eq!(found, [folders.as_slice(), &files].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_cannot_forge_lines_of_the_runners_log() {
    let world = World::start(StoreKind::Sqlite).await;
    let text = r#"
        printf 'LOG {"time":1,"level":40,"message":"a\\nforged one\\r\\nforged two"}\n' \
            > "$SHUB_FIFO_PATH"
        printf 'b\rforged three\n'
        printf 'FIN {"outcome":"c\\nforged four"}\n' > "$SHUB_FIFO_PATH"
        exit "$1"
    "#;
    let script = script(text);
    let codes = ["0", "1"];
    let jobs = [
        world.schedule("any", &[("code", codes[0])]).await,
        world.schedule("any", &[("code", codes[1])]).await,
    ];
    let command = run_script(&script, "{arg:code}");
    let printed = world.runner_of(&["--once", "--units", "1", "--command", &command]).join();
    assert!(!printed.contains('\r'), "{printed}");
    let forged = printed.lines().find(|line| line.starts_with("forged"));
    assert_eq!(forged, None, "{printed}");
    let ended = |job: &str| {
        let text = format!("ended job=\"{job}\"");
        printed.lines().find(|line| line.contains(&text)).unwrap().to_owned()
    };
    assert!(ended(&jobs[0]).contains(r#"reason="c\nforged four""#), "{printed}");
    assert!(ended(&jobs[1]).contains(r#"reason="failed""#), "{printed}");
    let below = ["a", "forged one", "forged two", r"[stdout] b\rforged three"];
    for line in below.map(|line| format!("    | {line}")) {
        assert!(printed.lines().any(|printed| printed == line), "{line}: {printed}");
    }
    // In the job's own log it is as it was said.
    let said = world.lines(&jobs[1], "log.1.jl");
    let message = "a\nforged one\r\nforged two";
    assert!(said.contains(&json!({"time": 1, "level": 40, "message": message})), "{said:?}");
}
