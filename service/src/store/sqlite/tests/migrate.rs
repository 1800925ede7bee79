//! Files of earlier versions, each made with the schema of its time and filled as the program
//! of its time did.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::super::SqliteStore;
use crate::{
    model::{Actor, Fence, JobKey, Millis, Priority, ProjectId, SpiderId, State},
    store::{Effect, Events, Fields, Start, Store, Wanted},
};

const SCHEMAS: [&str; 2] = [include_str!("schema_1.sql"), include_str!("schema_2.sql")];

/// A file of that version, and the folder that it is in.
fn old_file(version: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.execute_batch(SCHEMAS[version - 1]).unwrap();
    connection.execute_batch(include_str!("old_jobs.sql")).unwrap();
    if version == 2 {
        let tags = "UPDATE spiders SET default_tags = '[\"t\"]'";
        connection.execute(tags, []).unwrap();
    }
    (folder, path)
}

fn key(job: i64) -> JobKey {
    JobKey::parse(&format!("7/1/{job}")).unwrap()
}

fn start() -> Effect {
    Effect {
        enter: Some((State::Running, Actor::parse("worker").unwrap())),
        start: Some(Start { fence: Fence::random().unwrap(), lease_expires: Some(Millis(900)) }),
        ..Effect::default()
    }
}

/// All that a schema is made of, in the order of its names; tables by their columns, as a
/// column that came later stands last.
fn schema(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let strings = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(|row| row.unwrap()).collect()
    };
    let mut all = strings(
        "SELECT name || ' ' || COALESCE(sql, '') FROM sqlite_master WHERE type <> 'table' ORDER BY name",
    );
    all.extend(strings(
        "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk \
         || ' ' || COALESCE(c.dflt_value, '') FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' ORDER BY m.name, c.name",
    ));
    all
}

#[test]
fn an_old_file_gets_the_schema_of_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("store.db");
    drop(SqliteStore::open(&new).unwrap());
    for version in [1, 2] {
        let (_folder, path) = old_file(version);
        drop(SqliteStore::open(&path).unwrap());
        assert_eq!(schema(&path), schema(&new), "from {version}");
        // Once is enough.
        drop(SqliteStore::open(&path).unwrap());
    }
}

#[tokio::test]
async fn the_jobs_of_an_old_file_go_on() {
    for version in [1, 2] {
        let (_folder, path) = old_file(version);
        let store = SqliteStore::open(&path).unwrap();
        let project = ProjectId::new(7).unwrap();
        let jobs = store.get(&[key(1), key(3)], &Fields::Full).await.unwrap();
        let [Some(waits), Some(runs)] = &jobs[..] else {
            panic!("{jobs:?}");
        };
        let long = waits.metadata.get("long").unwrap();
        assert_eq!(long.as_str(), "1566311822568.0");
        assert_eq!(waits.priority, Priority::default());
        assert_eq!((runs.attempt, runs.lease_expires), (1, Some(Millis(500))));
        let spiders = store.spiders(project, None, 9).await.unwrap();
        let tags = spiders[0].tags.iter().map(|tag| tag.as_str());
        assert_eq!(tags.collect::<Vec<_>>(), ["t"][..version - 1]);
        assert_eq!(spiders[0].max_running, None);
        // What ran then is due, and what waited is claimed in its order.
        assert_eq!(store.due(Millis(499), 9).await.unwrap(), []);
        assert_eq!(store.due(Millis(500), 9).await.unwrap(), [key(3)]);
        let first = store.events(project, None, 9).await.unwrap();
        assert!(matches!(first, Events::These { last: 0, .. }), "{first:?}");
        let limited = store.limit_spider(project, SpiderId::new(1).unwrap(), Some(3));
        assert!(limited.await.unwrap());
        for job in [2, 1] {
            let (wanted, effect) = (Wanted::default(), start());
            let claimed = store.claim(project, &wanted, &effect, Millis(600), None);
            assert_eq!(claimed.await.unwrap().unwrap().job.key, key(job));
        }
        let counts = store.project_counts(project).await.unwrap();
        assert_eq!((counts.pending, counts.running), (0, 3));
        assert_eq!((counts.finished, counts.running_units), (1, 3));
    }
}
