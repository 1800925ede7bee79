//! What is true of the SQLite store alone; the contract that it shares is in the tests crate.

mod blocks;
mod compressed;
mod damaged_jobs;
mod deep_queue;
mod event_log;
mod file;
mod heartbeat;
mod lists;
mod long_lists;
mod plans;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::Connection;

use super::{
    CALL_TIMEOUT, SqliteStore, queue,
    store_file::{Access, StoreFile},
    writer::Writer,
};
use spiderq_core::{
    error::Error,
    model::{
        Actor, Counters, Filter, JobKey, JsonText, Metadata, Millis, Priority, ProjectId,
        SpiderName, State, StateSet, Tags, Units,
    },
    store::{JobStore, NewJob, Pushed, QueueStore},
};

/// What `work` answers, and the steps of SQLite's virtual machine that it takes.
fn cost<T>(connection: &mut Connection, work: impl FnOnce(&Connection) -> T) -> (T, u64) {
    let steps = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection.progress_handler(1, Some(count)).unwrap();
    let answer = work(connection);
    connection.progress_handler(0, None::<fn() -> bool>).unwrap();
    (answer, steps.load(Ordering::Relaxed))
}

fn job(state: State) -> NewJob {
    NewJob {
        spider: SpiderName::parse("s").unwrap(),
        state,
        scheduled: false,
        spider_tags: false,
        actor: Actor::parse("a").unwrap(),
        priority: Priority::default(),
        units: Units::default(),
        tags: Tags::parse(["t"]).unwrap(),
        unique: None,
        counters: Counters::default(),
        metadata: Metadata::default(),
        start: None,
    }
}

/// A text of so many bytes of which compression leaves three quarters.
fn random_text(bytes: usize) -> String {
    let mut state = 1_u64;
    let letters = (0..bytes).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'!' + 2 + (state >> 58) as u8)
    });
    letters.map(|letter| if letter == '\\' { '~' } else { letter }).collect()
}

async fn push(store: &SqliteStore) {
    let project = ProjectId::new(1).unwrap();
    let pushed = store.push(project, vec![job(State::Pending)], Millis(1), None);
    pushed.await.unwrap();
}

async fn count(store: &SqliteStore) -> u64 {
    let all = Filter { states: StateSet::ALL, ..Filter::default() };
    store.count(ProjectId::new(1).unwrap(), &all).await.unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    for before in 0..3 {
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(count(&store).await, before);
        push(&store).await;
    }
}

#[tokio::test]
async fn an_answered_write_is_in_the_file_before_the_store_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    push(&store).await;
    // What a kill at this moment would leave.
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        let from = format!("{}{end}", path.display());
        std::fs::copy(from, format!("{}{end}", copy.display())).unwrap();
    }
    assert_eq!(count(&SqliteStore::open(&copy).unwrap()).await, 1);
}

#[test]
fn a_second_store_on_the_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let first = SqliteStore::open(&path).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err().to_string();
    let expected = format!("store: {} is in use by another process", path.display());
    assert_eq!(refused, expected);
    drop(first);
    SqliteStore::open(&path).unwrap();
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert_eq!(
        SqliteStore::open(&path).unwrap_err().to_string(),
        format!(
            "store: its file has schema version 99, this program knows {}",
            super::migrations::ALL.len()
        )
    );
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
    push(&store).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let files = std::fs::read_dir(folder.path()).unwrap();
    let mut modes: Vec<(String, u32)> = files
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), mode(&file.path())))
        .collect();
    modes.sort();
    let names = ["store.db", "store.db-shm", "store.db-wal", "store.db.lock"];
    assert_eq!(modes, names.map(|name| (name.to_owned(), 0o600)));
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = StoreFile::open(&folder.path().join("store.db"), Access::Write).unwrap();
    let connection = file.writer().unwrap();
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", pages + 5).unwrap();
    let writer = Writer::start(connection, CALL_TIMEOUT, Arc::default(), || Ok(())).unwrap();
    let project = ProjectId::new(1).unwrap();
    let push = async |job| {
        let step = move |connection: &_| queue::add(connection, project, vec![job], Millis(1));
        let outcomes = writer.call(step).await?;
        Ok::<_, Error>(outcomes.into_iter().map(Pushed::of).collect::<Vec<_>>())
    };
    let mut large = job(State::Pending);
    large.metadata.set("large", JsonText::string(&random_text(100_000)));
    let full = push(large).await;
    let Err(full @ Error::Unavailable { .. }) = full else { panic!("{full:?}") };
    assert_eq!(full.to_string(), "the store is unavailable (its disk is full), try again");
    let first = Pushed::Added(JobKey::parse("1/1/1").unwrap());
    assert_eq!(push(job(State::Pending)).await.unwrap(), [first]);
}

#[test]
fn the_store_outlives_the_runtime_that_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("store.db")).unwrap());
    for before in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(count(&store)), before);
        runtime.block_on(push(&store));
    }
}
