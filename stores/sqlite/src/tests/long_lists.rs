//! What lists and counts cost where very many jobs come before those that match, in steps of
//! SQLite's virtual machine; and that they read indexes alone.

use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    super::{
        count, list,
        matches::Matches,
        store_file::{Access, StoreFile},
    },
    cost,
};
use spiderq_core::{
    model::{FieldSelection, Filter, Position, ProjectId, SpiderName, State, Tag},
    query::{Drive, Group, Wanted},
    store::Skipped,
};

/// Finished jobs; more than one call goes over.
const JOBS: u64 = 60_000;

/// Jobs of one spider, at positions from 1 on: all have the tag `all`, one in a thousand `some`,
/// and the last 59,990 `most`.
fn long_list() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let file = StoreFile::open(&folder.path().join("store.db"), Access::Write).unwrap();
    let connection = file.writer().unwrap();
    let fill = format!(
        "BEGIN;
        INSERT INTO projects (project, last_position, last_spider) VALUES (1, {JOBS}, 1);
        INSERT INTO spiders VALUES (1, 1, 's', {JOBS}, '[]', NULL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
        INSERT INTO jobs (
            project, spider, job, state, position, priority, units, attempt, updated, tags,
            metadata
        ) SELECT 1, 1, i, 2, i, 2, 1, 0, 1, iif(
            i % 1000 = 0, '[\"all\", \"some\"]', '[\"all\"]'
        ), '{{}}' FROM n;
        INSERT INTO job_tags SELECT project, 'all', 2, position, spider, id FROM jobs;
        INSERT INTO job_tags SELECT project, 'some', 2, position, spider, id FROM jobs
        WHERE position % 1000 = 0;
        INSERT INTO job_tags SELECT project, 'most', 2, position, spider, id FROM jobs
        WHERE position > 10;
        INSERT INTO job_counts VALUES
            (1, 0, '', 2, {JOBS}), (1, 1, '', 2, {JOBS}), (1, 0, 'all', 2, {JOBS}),
            (1, 0, 'some', 2, {JOBS} / 1000), (1, 0, 'most', 2, {JOBS} - 10);
        INSERT INTO job_blocks SELECT 1, 2, MIN(position), COUNT(*) FROM jobs
        GROUP BY position / 4096;
        COMMIT;"
    );
    connection.execute_batch(&fill).unwrap();
    (folder, connection)
}

/// Finished jobs with all tags of `has` and none of `lacks`.
fn finished(has: &[&str], lacks: &[&str]) -> Filter {
    let tags = |texts: &[&str]| texts.iter().map(|text| Tag::parse(text).unwrap()).collect();
    Filter {
        states: [State::Finished].into_iter().collect(),
        has_all_tags: tags(has),
        lacks_tags: tags(lacks),
        ..Filter::default()
    }
}

fn project() -> ProjectId {
    ProjectId::new(1).unwrap()
}

/// Positions of a page of up to 100 jobs, and where the next begins, at most so many steps.
fn page(connection: &mut Connection, filter: &Filter, most: u64) -> (Vec<u64>, Option<u64>) {
    let (page, steps) = cost(connection, |connection| {
        list::page(connection, project(), filter, 100, &FieldSelection::Row).unwrap()
    });
    assert!(steps < most, "{steps} steps for {filter:?}");
    let positions = page.jobs.iter().map(|job| job.position.0).collect();
    (positions, page.next.map(|next| next.0))
}

#[test]
fn a_page_costs_what_it_answers() {
    let (_folder, mut connection) = long_list();
    let newest: Vec<u64> = (JOBS - 99..=JOBS).rev().collect();
    let next = Some(JOBS - 99);
    assert_eq!(page(&mut connection, &finished(&[], &[]), 20_000), (newest.clone(), next));
    assert_eq!(page(&mut connection, &finished(&["all"], &["none"]), 150_000), (newest, next));
    let some: Vec<u64> = (1..=JOBS / 1000).rev().map(|n| n * 1000).collect();
    assert_eq!(page(&mut connection, &finished(&["all", "some"], &[]), 20_000), (some, None));
    // Counts tell that there is none.
    assert_eq!(page(&mut connection, &finished(&[], &["all"]), 1_000), (vec![], None));
}

#[test]
fn what_is_far_down_is_found_in_parts() {
    let (_folder, mut connection) = long_list();
    let mut filter = finished(&[], &["most"]);
    let (none, next) = page(&mut connection, &filter, 3_000_000);
    assert_eq!(none, [0; 0]);
    filter.until = Some(Position(next.unwrap()));
    assert_eq!(page(&mut connection, &filter, 1_000_000), ((1..=10).rev().collect(), None));
}

#[test]
fn what_spans_parts_comes_once() {
    let (_folder, connection) = long_list();
    let wanted = Wanted::new(&finished(&[], &["some"])).unwrap();
    let matches = Matches::new(&connection, project(), &wanted, Drive::One(Group::States)).unwrap();
    let part = matches.part(&connection, 3_000).unwrap();
    let found: Vec<i64> = part.jobs.iter().map(|(position, _)| *position).collect();
    let all = (1..=60_000).rev().filter(|position| position % 1000 != 0);
    let expected: Vec<i64> = all.take(3_000).collect();
    assert_eq!((part.next, found), (expected.last().copied(), expected));
}

#[test]
fn the_beginning_of_a_list_is_passed_by_blocks() {
    let (_folder, mut connection) = long_list();
    let (passed, steps) = cost(&mut connection, |connection| {
        list::skip(connection, project(), &finished(&[], &[]), 30_000).unwrap()
    });
    let next = Some(Position(JOBS - 30_000 + 1));
    assert_eq!(passed, Skipped { jobs: 30_000, next });
    assert!(steps < 30_000, "{steps} steps");
}

#[test]
fn what_is_counted_anyway_costs_nothing_to_count() {
    let (_folder, mut connection) = long_list();
    for (filter, expected) in [
        (finished(&[], &[]), JOBS),
        (finished(&["some"], &[]), JOBS / 1000),
        (finished(&[], &["most"]), 10),
    ] {
        let wanted = Wanted::new(&filter).unwrap();
        let (count, steps) =
            cost(&mut connection, |connection| count::plan(connection, project(), wanted).unwrap());
        assert_eq!(count.total(), Some(expected));
        assert!(steps < 1_000, "{steps} steps for {filter:?}");
    }
}

#[test]
fn lists_read_indexes_alone() {
    let (_folder, connection) = long_list();
    let tag = |text: &str| Group::Tag(text.to_owned());
    let mut of_s = finished(&["some"], &["most"]);
    of_s.spiders = vec![SpiderName::parse("s").unwrap()];
    let mut any = finished(&[], &["most"]);
    any.has_tags = finished(&["all", "some"], &[]).has_all_tags;
    any.states = [State::Pending, State::Finished].into_iter().collect();
    for (filter, drive) in [
        (finished(&[], &["all"]), Drive::One(Group::States)),
        (of_s.clone(), Drive::One(Group::Spiders)),
        (of_s, Drive::One(tag("some"))),
        (any, Drive::Any),
    ] {
        let wanted = Wanted::new(&filter).unwrap();
        let streams = Matches::new(&connection, project(), &wanted, drive).unwrap().streams(true);
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT position, id FROM ({streams}) ORDER BY position DESC LIMIT 9"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get(3).unwrap();
            let reads = step.starts_with("SEARCH") || step.starts_with("SCAN jobs");
            let in_index = ["COVERING INDEX", "PRIMARY KEY"].iter().any(|one| step.contains(one));
            assert!(!reads || in_index, "{step}: {filter:?}");
            assert!(!step.contains("TEMP B-TREE"), "{step}: {filter:?}");
        }
    }
}
