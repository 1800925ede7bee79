//! The file itself: who may open it, what is left as it is, and what is noticed of damage.

use std::{
    fs,
    os::unix::fs::{FileExt as _, symlink},
    path::Path,
    sync::mpsc,
};

use rusqlite::Connection;
use spiderq_core::{
    error::{Error, Result},
    store::{ApiKeyDigest, ApiKeyStore as _, CheckScope, UpkeepStore as _},
};

use super::{
    super::{READERS, SqliteStore, migrations},
    count, push,
};

fn refusal(store: Result<SqliteStore>) -> String {
    store.err().map(|error| error.to_string()).unwrap_or_else(|| "opened".to_owned())
}

/// Jobs by an unlocked check.
async fn checked(store: &SqliteStore) -> u64 {
    let scope = CheckScope::default();
    let summary = store.check(&scope, false, &mut |_| ()).await;
    summary.unwrap().jobs
}

#[test]
fn a_second_store_is_refused_by_whatever_path_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let [path, link, twin] =
        ["store.db", "link.db", "twin.db"].map(|name| folder.path().join(name));
    let _first = SqliteStore::open(&path).unwrap();
    symlink(&path, &link).unwrap();
    fs::hard_link(&path, &twin).unwrap();
    let in_use = |path: &Path| format!("store: {} is in use by another process", path.display());
    for path in [&path, &link, &twin] {
        assert_eq!(refusal(SqliteStore::open(path)), in_use(path));
        assert_eq!(refusal(SqliteStore::open_to_check(path)), in_use(path));
    }
    fs::remove_file(folder.path().join("store.db.lock")).unwrap();
    assert_eq!(refusal(SqliteStore::open(&path)), in_use(&path));
}

#[tokio::test]
async fn a_link_to_no_file_yet_makes_the_store_where_it_leads() {
    let folder = tempfile::tempdir().unwrap();
    let [path, link] = ["store.db", "link.db"].map(|name| folder.path().join(name));
    symlink(&path, &link).unwrap();
    let store = SqliteStore::open(&link).unwrap();
    push(&store).await;
    drop(store);
    assert_eq!(count(&SqliteStore::open(&path).unwrap()).await, 1);
}

#[test]
fn a_file_of_another_program_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let other = "store: its file is a SQLite database of another program";
    let none = "store: its file is no SQLite database, or its first page is damaged";
    for (version, expected) in [(0, other), (1, other), (99, other), (-1, other)] {
        let _ = fs::remove_file(&path);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE jobs (name TEXT, spider TEXT)").unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
        drop(connection);
        left_as_it_is(&path, expected);
    }
    fs::write(&path, "my notes ".repeat(1_000)).unwrap();
    left_as_it_is(&path, none);
}

fn left_as_it_is(path: &Path, expected: &str) {
    let before = fs::read(path).unwrap();
    assert_eq!(refusal(SqliteStore::open(path)), expected);
    assert_eq!(refusal(SqliteStore::open_to_check(path)), expected);
    assert!(fs::read(path).unwrap() == before, "it has changed");
}

#[test]
fn a_check_of_an_older_version_says_who_brings_it_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let connection = Connection::open(&path).unwrap();
    migrations::apply(&connection, &migrations::ALL[..1]).unwrap();
    drop(connection);
    let known = migrations::ALL.len();
    let expected = format!(
        "store: its file has schema version 1, and this program checks version {known}: \
         `spiderq fsck --repair`, or a start of the server, brings it up to date"
    );
    left_to_check(&path, &expected);
    drop(SqliteStore::open(&path).unwrap());
    SqliteStore::open_to_check(&path).unwrap();
    let empty = folder.path().join("empty.db");
    fs::write(&empty, "").unwrap();
    let expected = format!("store: {} is empty: no store was made of it yet", empty.display());
    left_to_check(&empty, &expected);
}

fn left_to_check(path: &Path, expected: &str) {
    let before = fs::read(path).unwrap();
    assert_eq!(refusal(SqliteStore::open_to_check(path)), expected);
    assert!(fs::read(path).unwrap() == before, "it has changed");
}

/// Also where a kill left writes in the log beside it: they are read, and stay there.
#[tokio::test]
async fn a_check_changes_not_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store #1?%.db");
    let store = SqliteStore::open(&path).unwrap();
    push(&store).await;
    let killed = folder.path().join("killed.db");
    for end in ["", "-wal"] {
        let from = format!("{}{end}", path.display());
        fs::copy(from, format!("{}{end}", killed.display())).unwrap();
    }
    drop(store);
    for path in [&path, &killed] {
        let before = fs::read(path).unwrap();
        let store = SqliteStore::open_to_check(path).unwrap();
        assert_eq!((checked(&store).await, count(&store).await), (1, 1));
        assert!(store.ping().await.is_err(), "it cannot write");
        drop(store);
        assert!(fs::read(path).unwrap() == before, "{} has changed", path.display());
    }
    assert!(!folder.path().join("store #1?%.db-shm").exists());
    assert_eq!(count(&SqliteStore::open(&killed).unwrap()).await, 1);
}

#[tokio::test]
async fn a_file_that_was_removed_or_replaced_takes_no_writes() {
    let folder = tempfile::tempdir().unwrap();
    let [path, away] = ["store.db", "away.db"].map(|name| folder.path().join(name));
    let store = SqliteStore::open(&path).unwrap();
    push(&store).await;
    store.ping().await.unwrap();
    let gone = "the store is unavailable (its file was removed or replaced), try again";
    let refused = async || {
        assert_eq!(store.ping().await.unwrap_err().to_string(), gone);
        let secret = store.installation_secret([7; 32]).await;
        assert_eq!(secret.unwrap_err().to_string(), gone);
    };
    fs::rename(&path, &away).unwrap();
    refused().await;
    fs::copy(&away, &path).unwrap();
    refused().await;
    fs::rename(&away, &path).unwrap();
    store.ping().await.unwrap();
    push(&store).await;
}

/// Flips bits at the head of each page after the first two.
fn flip_pages(path: &Path) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in 2..pages {
        let mut bytes = [0; 64];
        file.read_exact_at(&mut bytes, page * 4096).unwrap();
        file.write_all_at(&bytes.map(|byte| !byte), page * 4096).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_page_is_no_reason_to_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    push(&store).await;
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    flip_pages(&path);
    let key = ApiKeyDigest("no such key".to_owned());
    let damaged = [
        store.get_api_key(&key).await.map(|_| ()),
        store.installation_secret([7; 32]).await.map(|_| ()),
        store.ping().await,
    ];
    for error in damaged.map(Result::unwrap_err) {
        assert!(matches!(error, Error::Damaged(_)), "{error:?}");
        let text = "the store is damaged; stop the server and run `spiderq fsck`";
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test]
async fn a_key_is_looked_up_while_lists_hold_all_readers() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
    let (begun, begins) = mpsc::channel();
    let (ends, held): (Vec<_>, Vec<_>) = (0..READERS)
        .map(|_| {
            let (end, ended) = mpsc::channel::<()>();
            let (readers, begun) = (store.readers.clone(), begun.clone());
            let list = tokio::spawn(async move {
                let list = move |_: &Connection| {
                    begun.send(()).unwrap();
                    let _ = ended.recv();
                    Ok(())
                };
                readers.call(None, list).await
            });
            (end, list)
        })
        .unzip();
    let begins = move || (0..READERS).for_each(|_| begins.recv().unwrap());
    tokio::task::spawn_blocking(begins).await.unwrap();
    let key = ApiKeyDigest("no such key".to_owned());
    assert_eq!(store.get_api_key(&key).await.unwrap(), None);
    drop(ends);
    for list in held {
        list.await.unwrap().unwrap();
    }
}
