//! What the contract leaves to a store: a damaged row that is due, and the end of an event log that
//! nobody reads.

use std::{path::Path, time::Duration};

use rusqlite::Connection;

use super::{
    super::{SqliteStore, events::LastReads, migrations},
    job, push,
};
use spiderq_core::{
    error::Error,
    model::{Actor, Fence, FieldSelection, JobKey, Millis, ProjectId, SpiderName, State},
    store::{
        Change, Changed, Effect, EventCursor, Events, Holder, JobEvent, JobStore, NewAttempt,
        NewJob, ProjectStore, QueueStore, Step, UpkeepStore,
    },
};

fn project() -> ProjectId {
    ProjectId::new(1).unwrap()
}

fn key(job: i64) -> JobKey {
    JobKey::parse(&format!("1/1/{job}")).unwrap()
}

fn leased(lease: u64) -> NewJob {
    NewJob {
        start: Some(NewAttempt {
            fence: Fence::random().unwrap(),
            lease_expires: Some(Millis(lease)),
        }),
        ..job(State::Running)
    }
}

fn lost(key: JobKey) -> Change {
    Change {
        key,
        holder: Holder::Expired(1),
        unchanged_since: None,
        on: [Step::Apply(0); 4],
        effects: vec![Effect {
            enter: Some((State::Pending, Actor::parse("a").unwrap())),
            front: true,
            release: true,
            ..Effect::default()
        }],
    }
}

/// Does what no program should to the file of a store.
fn spoil(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    assert_eq!(connection.execute(sql, []).unwrap(), 1);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_due_and_can_be_postponed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    let jobs = vec![leased(10), leased(20)];
    store.push(project(), jobs, Millis(1), None).await.unwrap();
    spoil(&path, "UPDATE jobs SET metadata = '{' WHERE job = 1");
    let due = async || store.due(Millis(20), 9).await.unwrap();
    assert_eq!(due().await, [key(1), key(2)]);
    let bad = store.get(&[key(1)], &FieldSelection::Row).await;
    assert!(matches!(bad, Err(Error::JobDamaged { .. })), "{bad:?}");
    let bad = store.change(project(), vec![lost(key(1))], false, Millis(20), None);
    assert!(matches!(bad.await, Err(Error::JobDamaged { .. })));
    store.postpone(key(1), Millis(100)).await.unwrap();
    assert_eq!(due().await, [key(2)]);
    let changes = vec![lost(key(2))];
    let changed = store.change(project(), changes, false, Millis(20), None);
    let expected = Changed::Applied {
        previous: State::Running,
        attempt: 1,
        stop_requested: false,
        written: Millis(20),
    };
    assert_eq!(changed.await.unwrap(), [expected]);
    assert_eq!(due().await, []);
    assert_eq!(store.due(Millis(100), 9).await.unwrap(), [key(1)]);
}

/// Reads what came after `after`.
async fn events(store: &SqliteStore, after: Option<EventCursor>) -> Events {
    store.events(project(), after, 9).await.unwrap()
}

/// Where a reader begins that wants only new events; the number is this one.
async fn begin(store: &SqliteStore, number: u64) -> EventCursor {
    let Events::These { events, last } = events(store, None).await else { panic!("gone") };
    assert_eq!((events, last.number), (Vec::new(), number));
    last
}

/// The one event after `after`: that of a job that was pushed.
async fn pushed(store: &SqliteStore, after: EventCursor, job: i64) -> EventCursor {
    let Events::These { events, last } = events(store, Some(after)).await else { panic!("gone") };
    assert_eq!(last.number, after.number + 1);
    let event = JobEvent {
        cursor: last,
        key: key(job),
        state: State::Pending,
        previous: None,
        stop: false,
    };
    assert_eq!(events, [event]);
    last
}

#[tokio::test]
async fn an_event_log_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    push(&store).await;
    let begin = begin(&store, 0).await;
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    push(&store).await;
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    pushed(&store, begin, 2).await;
}

/// Rows of event logs and of events.
fn rows(path: &Path) -> [i64; 2] {
    let connection = Connection::open(path).unwrap();
    ["event_logs", "events"].map(|table| {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    })
}

#[tokio::test]
async fn a_watch_of_a_project_that_does_not_exist_makes_no_row_and_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    let first = begin(&store, 0).await;
    for number in 2..=100 {
        let project = ProjectId::new(number).unwrap();
        assert_eq!(store.events(project, Some(first), 9).await.unwrap(), Events::Gone);
        let begun = store.events(project, None, 9).await.unwrap();
        let Events::These { last, .. } = begun else { panic!("gone") };
        assert_eq!(store.events(project, Some(last), 9).await.unwrap(), begun);
    }
    assert_eq!(rows(&path), [0, 0]);
    push(&store).await;
    pushed(&store, first, 1).await;
    assert_eq!(rows(&path), [1, 2]);
}

/// It comes into being by its spiders: nothing was missed.
#[tokio::test]
async fn a_watched_project_that_begins_without_a_job_has_all_events() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    let first = begin(&store, 0).await;
    let spider = SpiderName::parse("s").unwrap();
    store.spider_id(project(), &spider, true).await.unwrap();
    assert_eq!(begin(&store, 0).await, first);
    push(&store).await;
    pushed(&store, first, 1).await;
}

#[tokio::test]
async fn events_that_came_between_a_watch_and_a_restart_show_as_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    let first = begin(&store, 0).await;
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    push(&store).await;
    assert_eq!(events(&store, Some(first)).await, Events::Gone);
    let again = begin(&store, 0).await;
    push(&store).await;
    pushed(&store, again, 2).await;
}

#[tokio::test]
async fn a_copy_that_is_put_back_knows_no_cursor_of_what_came_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let [path, copy] = ["store.db", "copy.db"].map(|name| folder.path().join(name));
    let store = SqliteStore::open(&path).unwrap();
    let begin = begin(&store, 0).await;
    push(&store).await;
    let first = pushed(&store, begin, 1).await;
    let connection = Connection::open(&path).unwrap();
    connection.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    push(&store).await;
    let lost = pushed(&store, first, 2).await;
    drop(store);
    let store = SqliteStore::open(&copy).unwrap();
    assert_eq!(events(&store, Some(lost)).await, Events::Gone);
    // The number is given again, to a job of the same key.
    push(&store).await;
    assert_eq!(events(&store, Some(lost)).await, Events::Gone);
    let again = pushed(&store, first, 2).await;
    assert_eq!(again.number, lost.number);
    push(&store).await;
    assert_eq!(events(&store, Some(lost)).await, Events::Gone);
    pushed(&store, again, 3).await;
}

#[tokio::test]
async fn a_file_of_before_the_stamps_goes_on_with_its_event_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut all = migrations::ALL.iter();
    let before = all.position(|migration| migration.contains("ADD COLUMN stamp")).unwrap();
    let connection = Connection::open(&path).unwrap();
    migrations::apply(&connection, &migrations::ALL[..before]).unwrap();
    let log = "INSERT INTO event_logs (project, last, kept) VALUES (1, 7, 1)";
    connection.execute(log, []).unwrap();
    drop(connection);
    let store = SqliteStore::open(&path).unwrap();
    let begin = begin(&store, 7).await;
    push(&store).await;
    pushed(&store, begin, 1).await;
}

#[tokio::test]
async fn an_event_log_that_nobody_reads_ends_and_what_is_missed_shows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = SqliteStore::open(&path).unwrap();
    let count = |sql| {
        let connection = Connection::open(&path).unwrap();
        connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let zero = begin(&store, 0).await;
    push(&store).await;
    let one = pushed(&store, zero, 1).await;
    // Its day is over.
    let connection = Connection::open(&path).unwrap();
    store.last_reads = LastReads::load(&connection, Duration::ZERO).unwrap();
    push(&store).await;
    assert_eq!(count("SELECT count(*) FROM events"), 0);
    push(&store).await;
    store.last_reads = LastReads::load(&connection, Duration::from_secs(99)).unwrap();
    // The one from before, too, could have been read for a day and no longer.
    assert_eq!(events(&store, Some(zero)).await, Events::Gone);
    assert_eq!(events(&store, Some(one)).await, Events::Gone);
    let three = begin(&store, 3).await;
    push(&store).await;
    pushed(&store, three, 4).await;
}

#[tokio::test]
async fn a_reader_that_has_missed_nothing_goes_on_in_a_new_event_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = SqliteStore::open(&path).unwrap();
    let zero = begin(&store, 0).await;
    push(&store).await;
    let one = pushed(&store, zero, 1).await;
    let connection = Connection::open(&path).unwrap();
    store.last_reads = LastReads::load(&connection, Duration::ZERO).unwrap();
    // A write that is no event ends the log, too.
    let change = spiderq_core::store::SettingsChange::Clear;
    assert!(store.change_settings(project(), change).await.unwrap());
    let none = Events::These { events: Vec::new(), last: one };
    assert_eq!(events(&store, Some(one)).await, none);
    assert_eq!(events(&store, Some(zero)).await, Events::Gone);
}
