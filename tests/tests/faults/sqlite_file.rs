//! What is wrong with the file of a SQLite store, or with the disk under it: callers and `/readyz`
//! say it, and all goes on where it passes.

use std::{fs, os::unix::fs::FileExt as _, path::Path};

use serde_json::{Value, json};
use spiderq_tests::{Http, Preload, Program, Stack, eventually, run, sqlite_url};

fn client(server: &Program) -> Http {
    Http::new(&server.url).basic(Stack::KEY, "")
}

/// Pushes a job; code and body.
async fn push(http: &Http) -> (u16, Value) {
    let answer = http.post("/jobq/1/push", r#"{"spider":"s"}"#).await;
    (answer.status, answer.json())
}

/// Code and message of `/readyz`.
async fn ready(http: &Http) -> (u16, Value) {
    let answer = http.get("/readyz").await;
    (answer.status, answer.json()["message"].clone())
}

/// What both say while `message` holds.
async fn unavailable(http: &Http, message: &str) {
    let ready = async || {
        let found = ready(http).await;
        (found == (503, json!(message))).then_some(())
    };
    eventually(&format!("/readyz does not say {message:?}"), ready).await;
    let (code, body) = push(http).await;
    assert_eq!((code, &body["message"]), (503, &json!(message)));
}

async fn well(http: &Http) {
    let ready = async || (ready(http).await.0 == 200).then_some(());
    eventually("/readyz does not recover", ready).await;
    assert_eq!(push(http).await.0, 200);
}

#[tokio::test]
async fn a_disk_that_is_full_or_fails_is_said_until_it_is_well() {
    let disk = Preload::disk();
    let server = disk.serve(&sqlite_url(disk.folder()), &[]);
    let http = client(&server);
    well(&http).await;
    for (fault, message) in [
        ("full", "the store is unavailable (its disk is full), try again"),
        ("fsync", "the store is unavailable (its disk fails), try again"),
    ] {
        disk.say(fault);
        unavailable(&http, message).await;
        let list = http.get("/jobq/1/list?state=pending").await;
        assert_eq!(list.status, 200, "{fault}: what is there can be read");
        disk.say("well");
        well(&http).await;
    }
}

#[tokio::test]
async fn a_file_that_is_removed_or_replaced_is_said_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::serve(&sqlite_url(folder.path()), &[]);
    let http = client(&server);
    well(&http).await;
    let [file, away] = ["spiderq.db", "away.db"].map(|name| folder.path().join(name));
    let message = "the store is unavailable (its file was removed or replaced), try again";
    fs::rename(&file, &away).unwrap();
    unavailable(&http, message).await;
    fs::copy(&away, &file).unwrap();
    unavailable(&http, message).await;
    fs::rename(&away, &file).unwrap();
    well(&http).await;
}

/// Flips bits at the head of each page after the first two.
fn flip_pages(path: &Path) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    assert!(pages > 20, "{pages} pages");
    for page in 2..pages {
        let mut bytes = [0; 64];
        file.read_exact_at(&mut bytes, page * 4096).unwrap();
        file.write_all_at(&bytes.map(|byte| !byte), page * 4096).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let server = Program::serve(&store, &[]);
    let jobs = vec![r#"{"spider":"s"}"#; 500].join("\n");
    client(&server).post("/jobq/1/push", jobs).await.ok();
    assert!(server.terminate().0.success());
    let server = Program::serve(&store, &[]);
    let http = client(&server);
    flip_pages(&folder.path().join("spiderq.db"));
    let message = json!("the store is damaged; stop the server and run `spiderq fsck`");
    for _ in 0..3 {
        let list = http.get("/jobq/1/list?state=pending").await;
        let found = (list.status, list.json()["message"].clone());
        assert_eq!(found, (500, message.clone()));
        let (code, body) = push(&http).await;
        assert_eq!((code, &body["message"]), (500, &message));
    }
    assert_eq!(ready(&http).await, (503, message));
    let (_, log) = server.terminate();
    let said = log.lines().filter(|line| line.contains("ERROR") && line.contains("damaged"));
    assert_eq!(said.count(), 1, "{log}");
    let (status, found, _) = run(&["fsck", "--store", &store]);
    assert!(!status.success(), "{found}");
}

#[tokio::test]
async fn an_empty_file_that_becomes_a_store_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("spiderq.db"), "").unwrap();
    let mut server = Program::serve(&sqlite_url(folder.path()), &[]);
    server.wait_for("the file was empty: a new store is made of it");
}

/// By another path, and after its lock file was removed.
#[tokio::test]
async fn a_second_server_on_the_file_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Program::serve(&sqlite_url(folder.path()), &[]);
    let [file, link, twin] =
        ["spiderq.db", "link.db", "twin.db"].map(|name| folder.path().join(name));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    fs::hard_link(&file, &twin).unwrap();
    let refused = |path: &Path| {
        let store = format!("sqlite:{}", path.display());
        let in_use = format!(
            "spiderq: can't open {store}: store: {} is in use by another process\n",
            path.display()
        );
        for command in [&["serve"][..], &["fsck"], &["fsck", "--repair"]] {
            let (status, _, errors) = run(&[command, &["--store", &store]].concat());
            assert_eq!((status.success(), &errors), (false, &in_use), "{command:?}");
        }
    };
    refused(&link);
    refused(&twin);
    fs::remove_file(folder.path().join("spiderq.db.lock")).unwrap();
    refused(&file);
}
