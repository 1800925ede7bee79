//! How SQLite goes about the statements of the queue and of what runs: by an index, without
//! a sort, and where it says so without a look at the rows.

use rusqlite::StatementStatus;

use super::super::store_file::{Access, StoreFile};

/// What SQLite says of a statement, a line a step.
fn plan(sql: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = StoreFile::open(&folder.path().join("store.db"), Access::Write).unwrap();
    let connection = file.writer().unwrap();
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}

/// The list of the positions that a look at the queue passes over.
const WITHOUT: [&str; 3] =
    ["LIST SUBQUERY 1", "SCAN json_each VIRTUAL TABLE INDEX 1:", "CREATE BLOOM FILTER"];

#[test]
fn the_queue_is_looked_at_in_its_indexes_alone() {
    assert_eq!(
        plan(include_str!("../sql/queue_head.sql")),
        ["SEARCH jobs USING COVERING INDEX queue (project=?)"]
    );
    assert_eq!(
        plan(include_str!("../sql/next_of_spider.sql")),
        [
            &["SEARCH jobs USING COVERING INDEX queue_by_spider (project=? AND (spider,units)>(?,?))"],
            &WITHOUT[..]
        ]
        .concat()
    );
    assert_eq!(
        plan(include_str!("../sql/next_of_tags.sql")),
        [
            &["SEARCH jobs USING COVERING INDEX queue_by_tags (project=? AND (spider,units,tags)>(?,?,?))"],
            &WITHOUT[..]
        ]
        .concat()
    );
}

#[test]
fn jobs_with_a_tag_are_found_by_it() {
    assert_eq!(
        plan(include_str!("../sql/pending_with_tag.sql")),
        [
            "SEARCH job_tags USING PRIMARY KEY (project=? AND tag=? AND state=?)",
            "LIST SUBQUERY 1",
            "SCAN json_each VIRTUAL TABLE INDEX 1:",
            "SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)",
        ]
    );
}

#[test]
fn what_runs_is_counted_in_an_index_alone() {
    assert_eq!(
        plan(include_str!("../sql/running.sql")),
        ["SEARCH jobs USING COVERING INDEX running (project=?)"]
    );
    assert_eq!(
        plan(include_str!("../sql/full_spider.sql")),
        [
            "SEARCH spiders USING PRIMARY KEY (project=? AND spider=?)",
            "SCALAR SUBQUERY 1",
            "SEARCH jobs USING COVERING INDEX running (project=? AND spider=?)",
        ]
    );
}

#[test]
fn what_is_due_is_found_in_an_index_alone() {
    assert_eq!(
        plan(include_str!("../sql/due.sql")),
        ["SEARCH jobs USING COVERING INDEX jobs_by_due (due<?)"]
    );
    assert_eq!(
        plan(include_str!("../sql/postpone.sql")),
        ["SEARCH jobs USING INDEX jobs_by_key (project=? AND spider=? AND job=?)"]
    );
}

#[test]
fn a_statement_with_another_value_is_not_prepared_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = StoreFile::open(&folder.path().join("store.db"), Access::Write).unwrap();
    let connection = file.writer().unwrap();
    for sql in ["SELECT * FROM job_rows WHERE id = ?1", "DELETE FROM jobs WHERE id = ?1"] {
        let mut statement = connection.prepare(sql).unwrap();
        for id in 1..5 {
            let mut rows = statement.query([id]).unwrap();
            assert!(rows.next().unwrap().is_none());
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}
