//! Files of earlier versions, each made with the schema of its time and filled as the program
//! of its time did.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::super::SqliteStore;
use crate::{
    model::{Actor, Fence, JobKey, Millis, Priority, ProjectId, SpiderId, State},
    store::{Effect, Events, Fields, Start, Store, Wanted},
};

const SCHEMAS: [&str; 2] = [include_str!("schema_1.sql"), include_str!("schema_2.sql")];

/// A file with two pending jobs, one that runs with a lease until 500, and one that has
/// finished.
fn old_file(version: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection.execute_batch(SCHEMAS[version - 1]).unwrap();
    let at = |time: i64| time * 2048;
    let mut insert = connection
        .prepare(
            "INSERT INTO jobs (project, spider, job, state, position, priority, units, attempt, \
             updated, lease_expires, fence, unique_key, pending_position, pending_by, \
             running_position, running_by, tags, metadata) \
             VALUES (7, 1, ?1, ?2, ?3, ?4, 1, ?5, 100, ?6, ?7, ?8, ?9, 'ann', ?10, ?11, ?12, ?13)",
        )
        .unwrap();
    let fence = "0123456789abcdef0123456789abcdef";
    let none = None::<i64>;
    let metadata = r#"{"version":"1.0","long":1566311822568.0}"#;
    insert
        .execute(params![
            1,
            0,
            at(100),
            2,
            0,
            none,
            none,
            fence,
            at(100),
            none,
            none,
            r#"["x"]"#,
            metadata
        ])
        .unwrap();
    insert
        .execute(params![
            2,
            0,
            at(101),
            3,
            0,
            none,
            none,
            none,
            at(101),
            none,
            none,
            "[]",
            "{}"
        ])
        .unwrap();
    insert
        .execute(params![
            3,
            1,
            at(103),
            2,
            1,
            500,
            fence,
            none,
            at(102),
            at(103),
            "bob",
            "[]",
            "{}"
        ])
        .unwrap();
    insert
        .execute(params![
            4,
            2,
            at(104),
            2,
            0,
            none,
            none,
            none,
            at(104),
            none,
            none,
            "[]",
            "{}"
        ])
        .unwrap();
    drop(insert);
    let spider = match version {
        1 => "INSERT INTO spiders VALUES (7, 1, 's', 4)",
        _ => "INSERT INTO spiders VALUES (7, 1, 's', 4, '[\"t\"]')",
    };
    connection.execute(spider, []).unwrap();
    connection
        .execute("INSERT INTO projects VALUES (7, ?1, 1)", [at(104)])
        .unwrap();
    connection
        .execute(
            "INSERT INTO job_tags VALUES (7, 'x', 0, ?1, 1, 1)",
            [at(100)],
        )
        .unwrap();
    (folder, path)
}

fn key(job: i64) -> JobKey {
    JobKey::parse(&format!("7/1/{job}")).unwrap()
}

fn start() -> Effect {
    Effect {
        enter: Some((State::Running, Actor::parse("worker").unwrap())),
        start: Some(Start {
            fence: Fence::random().unwrap(),
            lease_expires: Some(Millis(900)),
        }),
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
