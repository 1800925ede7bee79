//! What a claim costs where very many jobs come before the one that it takes, in steps of
//! SQLite's virtual machine: about the same however many they are.

use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    super::{
        queue, spiders,
        store_file::{Access, StoreFile},
    },
    cost,
};
use spiderq_core::{
    UnreadableJobs,
    model::{
        Actor, ClaimFilter, Fence, JobKey, Millis, ProjectId, SpiderId, SpiderName, State, Tag,
        Units,
    },
    store::{Effect, NewAttempt},
};

/// Jobs in the queue, nearly all before the one that is wanted.
const JOBS: i64 = 20_000;
/// Steps of a claim, at most: a look at each job would take more than 200,000.
const MAX_STEPS: u64 = 40_000;

/// A queue of jobs of spider 1, all of weight 6 and tagged `crowd`, one of spider 2 in their
/// midst, and at the end of it one of weight 1 of spider 3, tagged `rare`.
fn deep_queue() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let file = StoreFile::open(&folder.path().join("store.db"), Access::Write).unwrap();
    let connection = file.writer().unwrap();
    let fill = format!(
        "BEGIN;
        INSERT INTO projects (project, last_position, last_spider) VALUES (1, {JOBS}, 3);
        INSERT INTO spiders VALUES
            (1, 1, 'crowd', {JOBS}, '[]', NULL), (1, 2, 'other', 1, '[]', NULL),
            (1, 3, 'last', {JOBS}, '[]', NULL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
        INSERT INTO jobs (
            project, spider, job, state, position, priority, units, attempt, updated, tags,
            metadata
        ) SELECT
            1, CASE i WHEN {JOBS} THEN 3 WHEN {JOBS} / 2 THEN 2 ELSE 1 END, i, 0, i, 2,
            iif(i = {JOBS}, 1, 6), 0, 1,
            iif(i = {JOBS}, '[\"rare\"]', '[\"crowd\"]'), '{{}}'
        FROM n;
        INSERT INTO job_tags
        SELECT project, json_extract(tags, '$[0]'), 0, position, spider, id FROM jobs;
        COMMIT;"
    );
    connection.execute_batch(&fill).unwrap();
    (folder, connection)
}

/// The claimed job, and the steps that it took.
fn claim(connection: &mut Connection, wanted: &ClaimFilter) -> (Option<JobKey>, u64) {
    let effect = Effect {
        enter: Some((State::Running, Actor::parse("worker").unwrap())),
        start: Some(NewAttempt { fence: Fence::random().unwrap(), lease_expires: None }),
        ..Effect::default()
    };
    let project = ProjectId::new(1).unwrap();
    let unreadable = UnreadableJobs::default();
    let claim =
        |connection: &_| queue::claim(connection, project, wanted, &effect, Millis(1), &unreadable);
    let (claimed, steps) = cost(connection, claim);
    (claimed.unwrap().map(|claimed| claimed.job.key), steps)
}

fn takes(connection: &mut Connection, wanted: &ClaimFilter, expected: Option<&str>) {
    connection.execute_batch("SAVEPOINT one").unwrap();
    let (key, steps) = claim(connection, wanted);
    let key = key.map(|key| key.to_string());
    assert_eq!(key.as_deref(), expected, "{wanted:?}");
    assert!(steps < MAX_STEPS, "{steps} steps for {wanted:?}");
    connection.execute_batch("ROLLBACK TO one; RELEASE one").unwrap();
}

fn tag(text: &str) -> Vec<Tag> {
    vec![Tag::parse(text).unwrap()]
}

#[test]
fn a_claim_passes_over_any_number_of_jobs_at_little_cost() {
    let (_folder, mut connection) = deep_queue();
    let last = format!("1/3/{JOBS}");
    let middle = format!("1/2/{}", JOBS / 2);
    let any = ClaimFilter::default();
    takes(&mut connection, &any, Some("1/1/1"));
    let light = ClaimFilter { max_units: Some(Units::new(5).unwrap()), ..ClaimFilter::default() };
    takes(&mut connection, &light, Some(&last));
    let rare = ClaimFilter { has_tags: tag("rare"), ..ClaimFilter::default() };
    takes(&mut connection, &rare, Some(&last));
    let lacks = ClaimFilter { lacks_tags: tag("crowd"), ..ClaimFilter::default() };
    takes(&mut connection, &lacks, Some(&last));
    let none =
        ClaimFilter { has_tags: tag("crowd"), lacks_tags: tag("crowd"), ..ClaimFilter::default() };
    takes(&mut connection, &none, None);
    let spiders = ["last", "other"].map(|text| SpiderName::parse(text).unwrap());
    let others = ClaimFilter { spiders: spiders.to_vec(), ..ClaimFilter::default() };
    takes(&mut connection, &others, Some(&middle));
    let (project, crowd) = (ProjectId::new(1).unwrap(), SpiderId::new(1).unwrap());
    assert!(spiders::limit(&connection, project, crowd, Some(0)).unwrap());
    takes(&mut connection, &any, Some(&middle));
    takes(&mut connection, &lacks, Some(&last));
    takes(&mut connection, &light, Some(&last));
    takes(&mut connection, &none, None);
}

#[test]
fn a_claim_beyond_a_limit_does_not_look_at_the_queue() {
    let (_folder, mut connection) = deep_queue();
    connection.execute("INSERT INTO settings VALUES (1, 'max_running', '0')", []).unwrap();
    let (key, steps) = claim(&mut connection, &ClaimFilter::default());
    assert_eq!(key, None);
    assert!(steps < 200, "{steps}");
}
