//! A heartbeat writes what it changes: the metadata of its job is neither read nor written.

use std::path::Path;

use spiderq_core::{
    model::{Counters, FieldSelection, JobKey, JsonText, Metadata, Millis, ProjectId, State},
    store::{Change, Changed, Effect, Holder, JobStore as _, QueueStore as _, Step},
};

use super::{SqliteStore, job, random_text};

/// A page of the file, and what the write-ahead log adds to it.
const WAL_PAGE: u64 = 4_096 + 24;

fn key() -> JobKey {
    JobKey::parse("1/1/1").unwrap()
}

/// A running job with this much metadata, in a store on this file.
async fn store_with_job(path: &Path, bytes: usize) -> SqliteStore {
    let store = SqliteStore::open(path).unwrap();
    let mut new = job(State::Running);
    new.metadata.set("large", JsonText::string(&random_text(bytes)));
    let pushed = store.push(ProjectId::new(1).unwrap(), vec![new], Millis(1_000_000), None);
    pushed.await.unwrap();
    store
}

async fn apply(store: &SqliteStore, effect: Effect, now: u64) -> Changed {
    let effects = vec![effect];
    let change = Change {
        key: key(),
        holder: Holder::Anyone,
        unchanged_since: None,
        on: [Step::Apply(0); 4],
        effects,
    };
    let changed = store.change(key().project, vec![change], false, Millis(now), None);
    changed.await.unwrap()[0]
}

fn heartbeat(now: u64) -> Effect {
    let counters = Counters { items: Some(now), ..Counters::default() };
    Effect { lease_expires: Some(Millis(now + 60_000)), counters, ..Effect::default() }
}

/// Pages that were written to the file's write-ahead log so far.
fn written_pages(path: &Path) -> u64 {
    let log = format!("{}-wal", path.display());
    std::fs::metadata(log).unwrap().len() / WAL_PAGE
}

#[tokio::test]
async fn a_heartbeat_does_not_rewrite_large_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = store_with_job(&path, 1_000_000).await;
    let pushed = written_pages(&path);
    assert!(pushed > 180, "{pushed}");
    // The first one makes the row longer: it had no lease and no counters.
    apply(&store, heartbeat(1_000_001), 1_000_001).await;
    let first = written_pages(&path);
    for now in 1_000_002..1_000_012 {
        apply(&store, heartbeat(now), now).await;
    }
    let pages = written_pages(&path) - first;
    assert!((10..=40).contains(&pages), "{pages} pages for 10 heartbeats");
    let jobs = store.get(&[key()], &FieldSelection::Full).await.unwrap();
    let job = jobs[0].as_ref().unwrap();
    assert_eq!(job.metadata.bytes(), 1_000_007);
    assert_eq!((job.counters.items, job.updated), (Some(1_000_011), Millis(1_000_011)));
}

#[tokio::test]
async fn a_heartbeat_does_not_read_the_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = store_with_job(&path, 10).await;
    let mut set = Metadata::default();
    set.set("stop_requested", JsonText::parse("true").unwrap());
    let asked = apply(&store, Effect { set, ..Effect::default() }, 1_000_001).await;
    let stopping = |written| Changed::Applied {
        previous: State::Running,
        attempt: 0,
        stop_requested: true,
        written: Millis(written),
    };
    assert_eq!(asked, stopping(1_000_001));
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE jobs SET metadata = '{'", []).unwrap();
    assert_eq!(apply(&store, heartbeat(1_000_002), 1_000_002).await, stopping(1_000_002));
    let metadata: String =
        connection.query_row("SELECT metadata FROM jobs", [], |row| row.get(0)).unwrap();
    assert_eq!(metadata, "{");
}
