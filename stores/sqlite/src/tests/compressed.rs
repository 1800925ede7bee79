//! Metadata that are compressed, and those that versions before compression have written.

use spiderq_core::{
    model::{FieldSelection, Filter, JobKey, JsonText, Millis, ProjectId, State},
    store::{JobStore as _, QueueStore as _, Skipped},
};

use super::{SqliteStore, job};
use crate::migrations;

#[tokio::test]
async fn a_file_of_the_version_before_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    let mut new = job(State::Pending);
    new.metadata.set("version", JsonText::string(&"1.0 ".repeat(100)));
    let pushed = store.push(ProjectId::new(1).unwrap(), vec![new.clone()], Millis(1), None);
    pushed.await.unwrap();
    drop(store);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let stored = "SELECT metadata, length(compressed) FROM jobs";
    let stored = connection.query_row(stored, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (text, compressed): (String, i64) = stored.unwrap();
    assert_eq!(text, "");
    assert!(compressed < 100, "{compressed}");
    let text = format!("{{\"version\":{}}}", new.metadata.get("version").unwrap());
    connection.execute("UPDATE jobs SET metadata = ?1", [text]).unwrap();
    let compression = migrations::ALL.iter().position(|sql| sql.contains("COLUMN compressed"));
    let version = compression.unwrap();
    assert_eq!(version + 4, migrations::ALL.len(), "undo the later migrations too");
    let older = format!(
        "DROP TABLE runners; DROP TABLE job_blocks; ALTER TABLE jobs DROP COLUMN compressed; \
         PRAGMA user_version = {version}"
    );
    connection.execute_batch(&older).unwrap();
    drop(connection);
    let store = SqliteStore::open(&path).unwrap();
    let pending = Filter { states: [State::Pending].into_iter().collect(), ..Filter::default() };
    let skipped = store.skip(ProjectId::new(1).unwrap(), &pending, 9).await.unwrap();
    assert_eq!(skipped, Skipped { jobs: 1, next: None }, "it is in a block");
    for fields in [FieldSelection::Full, FieldSelection::Row] {
        let jobs = store.get(&[JobKey::parse("1/1/1").unwrap()], &fields).await.unwrap();
        assert_eq!(jobs[0].as_ref().unwrap().metadata, new.metadata);
    }
}
