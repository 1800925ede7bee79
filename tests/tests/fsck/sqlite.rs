//! Each kind of damage in a SQLite file, done behind the store's back.

use rusqlite::Connection;
use spiderq_tests::{
    sqlite_store,
    store_contract::{
        World,
        world::{T, place},
    },
};
use tempfile::TempDir;

use crate::sample::{LEASE, begin, check, end};

/// A project after [`begin`] and the damage, in a store that was opened anew.
async fn damaged(sql: &str) -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = sqlite_store(&path);
    let world = begin(&store).await;
    assert_eq!(check(&store, false).await.0, [""; 0]);
    let project = world.project;
    drop((store, world));
    let sql = sql.replace("{P}", &project.to_string());
    // A step may only be seen by the next connection.
    for step in sql.split("-- then\n") {
        Connection::open(&path).unwrap().execute_batch(step).unwrap();
    }
    let store = sqlite_store(&path);
    (World { store, project }, folder)
}

/// Does the damage, which must show in these lines. Mending the first `needed` of them mends all;
/// the jobs then live on.
async fn shows_only(sql: &str, lines: &[&str], needed: usize) {
    let (world, _folder) = damaged(sql).await;
    let project = world.project.to_string();
    let lines: Vec<String> = lines.iter().map(|line| line.replace("{P}", &project)).collect();
    let mut sorted = lines.clone();
    sorted.sort();
    assert_eq!(check(&world.store, false).await.0, sorted, "{sql}");
    let mended = lines[..needed].iter().map(|line| format!("{line}; repaired"));
    let mut mended: Vec<String> = mended.collect();
    mended.sort();
    assert_eq!(check(&world.store, true).await.0, mended, "{sql}");
    assert_eq!(check(&world.store, false).await.0, [""; 0], "{sql}");
    end(&world).await;
    assert_eq!(check(&world.store, false).await.0, [""; 0], "{sql}");
}

async fn shows(sql: &str, line: &str) {
    shows_only(sql, &[line], 1).await;
}

#[tokio::test]
async fn tag_rows_that_differ_from_their_jobs_are_found() {
    let line = "{P}/1/3: is not listed under tag x";
    shows("DELETE FROM job_tags WHERE tag = 'x' AND state = 0", line).await;
    let at = place(T + 5, 0).0;
    let stray = format!("project {{P}}: is listed under tag y at {at}, and there is no such job");
    let missing = "{P}/1/3: is not listed under tag y";
    let sql = "UPDATE job_tags SET id = 999 WHERE tag = 'y'";
    shows_only(sql, &[missing, &stray], 1).await;
    let at = place(T + 6, 0).0;
    let line = format!("{{P}}/2/1: is listed under tag z at {at}, where it does not belong");
    let sql = "INSERT INTO job_tags SELECT project, 'z', state, position, spider, id \
               FROM jobs WHERE spider = 2 AND job = 1";
    shows(sql, &line).await;
}

#[tokio::test]
async fn due_times_that_differ_from_their_jobs_are_found() {
    let line = format!("{{P}}/1/1: is never due, and should be due at {LEASE}");
    shows("UPDATE jobs SET due = NULL", &line).await;
    for due in ["5", "99999999999999"] {
        let line = format!("{{P}}/1/1: is due at {due}, and should be due at {LEASE}");
        let sql = format!("UPDATE jobs SET due = {due} WHERE state = 1");
        shows(&sql, &line).await;
    }
    let line = "{P}/2/1: is due at 5, and should be never due";
    shows("UPDATE jobs SET due = 5 WHERE state = 2", line).await;
}

#[tokio::test]
async fn a_job_that_is_done_holds_a_unique_key() {
    let line = "{P}/2/1: is done and holds a unique key";
    shows("UPDATE jobs SET unique_key = 'd' WHERE state = 2", line).await;
}

#[tokio::test]
async fn a_row_does_not_repeat_what_the_metadata_says() {
    let line = "{P}/1/1: is not asked to stop, and its row says otherwise";
    shows("UPDATE jobs SET stop_requested = 1 WHERE spider = 1 AND job = 1", line).await;
    let line = "{P}/1/1: has 0 bytes of metadata, not 7";
    shows("UPDATE jobs SET metadata_bytes = 7 WHERE spider = 1 AND job = 1", line).await;
}

#[tokio::test]
async fn counters_are_too_low_or_wrong() {
    let project = |set: &str| format!("UPDATE projects SET {set}");
    for (set, what) in [
        ("last_position = 5", "the last position is below that of a job"),
        ("last_spider = 1", "the last spider number is below one given"),
        ("finished_jobs = 7", "the finished jobs are 1, not 7"),
        ("finished_bytes = 7", "the bytes of the finished jobs are 0, not 7"),
        ("deleted_jobs = 0", "the deleted jobs are 1, not 0"),
        ("deleted_bytes = 1", "the bytes of the deleted jobs are 0, not 1"),
    ] {
        shows(&project(set), &format!("project {{P}}: {what}")).await;
    }
    let line = "project {P}: the last job number of spider 1 is below that of a job";
    shows("UPDATE spiders SET last_job = 2 WHERE spider = 1", line).await;
    let line = "project {P}: the number of the last event is below that of one kept";
    shows("UPDATE event_logs SET last = 0", line).await;
    let bytes = "{P}/2/1: has 0 bytes of metadata, not 7";
    let sum = "project {P}: the bytes of the finished jobs are 7, not 0";
    shows_only("UPDATE jobs SET metadata_bytes = 7 WHERE state = 2", &[bytes, sum], 1).await;
}

#[tokio::test]
async fn counts_of_jobs_that_differ_from_the_jobs() {
    for (change, wrong) in [
        ("UPDATE job_counts SET jobs = 7 WHERE state = 2 AND spider = 0 AND tag = ''", 1),
        ("DELETE FROM job_counts WHERE spider > 0 AND state <> 0", 3),
        ("INSERT INTO job_counts SELECT project, 0, 'gone', 1, 3 FROM projects", 1),
    ] {
        let line = "of the counts of its jobs, spiders and tags are wrong";
        shows(change, &format!("project {{P}}: {wrong} {line}")).await;
    }
}

#[tokio::test]
async fn blocks_that_differ_from_the_jobs() {
    for (change, wrong) in [
        ("UPDATE job_blocks SET jobs = 7 WHERE state = 2", 1),
        ("DELETE FROM job_blocks WHERE state = 2", 1),
        ("UPDATE job_blocks SET first = first + 1 WHERE state = 2", 2),
        ("INSERT INTO job_blocks SELECT project, 1, 9, 1 FROM projects", 1),
    ] {
        shows(change, &format!("project {{P}}: {wrong} of the blocks of its jobs are wrong")).await;
    }
}

#[tokio::test]
async fn a_project_that_is_not_listed() {
    let (world, _folder) = damaged("DELETE FROM projects").await;
    let line = |what: &str| format!("project {}: {what}", world.project);
    let missing = line("is not in the list of projects");
    assert_eq!(check(&world.store, false).await.0, std::slice::from_ref(&missing));
    let mut mended =
        [missing, line("the finished jobs are 1, not 0"), line("the deleted jobs are 1, not 0")]
            .map(|line| format!("{line}; repaired"));
    mended.sort();
    assert_eq!(check(&world.store, true).await.0, mended);
    assert_eq!(check(&world.store, false).await.0, [""; 0]);
    end(&world).await;
    assert_eq!(check(&world.store, false).await.0, [""; 0]);
}

#[tokio::test]
async fn a_spider_without_a_good_name_gets_one() {
    for (sql, what) in [
        ("DELETE FROM spiders WHERE spider = 1", "no name"),
        ("UPDATE spiders SET name = '' WHERE spider = 1", "an invalid name: \"\""),
    ] {
        let (world, _folder) = damaged(sql).await;
        let line = format!("project {}: spider 1 has {what}; repaired", world.project);
        assert_eq!(check(&world.store, true).await.0, [line]);
        assert_eq!(check(&world.store, false).await.0, [""; 0]);
        let claimed = world.claim(T + 50).await.unwrap().job;
        assert_eq!((claimed.key, claimed.spider.as_str()), (world.key(1, 2), "lost-spider-1"));
    }
    let line = "project {P}: spider 1 has invalid default tags: \"x\"";
    shows("UPDATE spiders SET default_tags = 'x' WHERE spider = 1", line).await;
}

#[tokio::test]
async fn a_damaged_kept_answer_is_found() {
    let line = "project {P}: request id r has a damaged answer";
    shows("INSERT INTO request_ids VALUES ({P}, 'r', 'f', 'x', 9000000000000)", line).await;
}

#[tokio::test]
async fn missing_parts_of_the_schema_are_found() {
    shows("DROP INDEX queue", "store: index queue is missing").await;
    let rest = "unchecked: store: the rest can only be checked when that is there";
    let line = "store: view job_rows is missing";
    shows_only("DROP VIEW job_rows", &[line, rest], 1).await;
}

#[tokio::test]
async fn an_index_that_lacks_rows_is_rebuilt() {
    let sql = "PRAGMA writable_schema = ON; \
               UPDATE sqlite_schema SET sql = replace(sql, 'state = 0', 'state = 5') \
               WHERE name = 'queue';\n-- then\nREINDEX queue;\n-- then\n\
               PRAGMA writable_schema = ON; \
               UPDATE sqlite_schema SET sql = replace(sql, 'state = 5', 'state = 0') \
               WHERE name = 'queue';\n";
    let lines = [
        "store: the file: row 2 missing from index queue",
        "store: the file: row 3 missing from index queue",
    ];
    shows_only(sql, &lines, 2).await;
}

#[tokio::test]
async fn records_that_cannot_be_read_are_set_aside() {
    let sql = "UPDATE jobs SET units = 9 WHERE spider = 1 AND job = 3; \
               UPDATE jobs SET state = 7 WHERE spider = 1 AND job = 1; \
               UPDATE jobs SET finished_by = '' WHERE spider = 2 AND job = 1;";
    let (world, folder) = damaged(sql).await;
    let job = |job: &str, what: &str| {
        let why = format!("has a record that cannot be read: stored value is damaged: {what}");
        format!("{}/{job}: {why}", world.project)
    };
    let lines = [job("1/1", "state"), job("1/3", "units"), job("2/1", "actor")];
    let of = world.project;
    let counts = |wrong: usize| {
        format!("project {of}: {wrong} of the counts of its jobs, spiders and tags are wrong")
    };
    let blocks =
        |wrong: usize| format!("project {of}: {wrong} of the blocks of its jobs are wrong");
    let mut found = lines.to_vec();
    found.extend([blocks(2), counts(4)]);
    assert_eq!(check(&world.store, false).await.0, found);
    let mut mended: Vec<String> = lines.iter().map(|line| format!("{line}; repaired")).collect();
    mended.extend([blocks(3), counts(9)].map(|line| format!("{line}; repaired")));
    let done = "the finished jobs are 0, not 1; repaired";
    mended.push(format!("project {}: {done}", world.project));
    let (found, checked) = check(&world.store, true).await;
    assert_eq!((found, checked.jobs, checked.set_aside), (mended, 5, 3));
    let (left, checked) = check(&world.store, false).await;
    assert_eq!((left, checked.jobs, checked.set_aside), (vec![], 2, 3));
    // Nothing else waits for them, and nothing of them is lost.
    assert_eq!(world.claim(T + 50).await.unwrap().job.key, world.key(1, 2));
    assert_eq!(world.claim(T + 50).await, None);
    let project = world.project;
    drop(world);
    let path = folder.path().join("store.db");
    let connection = Connection::open(&path).unwrap();
    let sql = "DELETE FROM set_aside WHERE spider = 1 AND job = 3 RETURNING statement";
    let statement: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    connection.execute_batch(&statement).unwrap();
    connection.execute("UPDATE jobs SET units = 1 WHERE units = 9", []).unwrap();
    drop(connection);
    let store = sqlite_store(&path);
    let world = World { store, project };
    let tag = |tag: &str| format!("{project}/1/3: is not listed under tag {tag}; repaired");
    let [blocks, counts] = [blocks(1), counts(4)].map(|line| format!("{line}; repaired"));
    assert_eq!(check(&world.store, true).await.0, [tag("x"), tag("y"), blocks, counts]);
    assert_eq!(world.claim(T + 60).await.unwrap().job.key, world.key(1, 3));
}

#[tokio::test]
async fn damaged_compressed_metadata_are_set_aside_with_their_job() {
    let sql = "UPDATE jobs SET compressed = substr(compressed, 1, 8) WHERE compressed IS NOT NULL";
    let (world, _folder) = damaged(sql).await;
    let line = format!(
        "{}/1/3: has a record that cannot be read: a stored value is damaged: its frame cannot \
         be decompressed",
        world.project
    );
    assert_eq!(check(&world.store, false).await.0, std::slice::from_ref(&line));
    let (mended, checked) = check(&world.store, true).await;
    let of_project = |what: &str| format!("project {}: {what} are wrong; repaired", world.project);
    let lines = vec![
        format!("{line}; repaired"),
        of_project("1 of the blocks of its jobs"),
        of_project("4 of the counts of its jobs, spiders and tags"),
    ];
    assert_eq!((mended, checked.set_aside), (lines, 1));
    assert_eq!(check(&world.store, false).await.0, [""; 0]);
    assert_eq!(world.claim(T + 50).await.unwrap().job.key, world.key(1, 2));
    assert_eq!(world.claim(T + 50).await, None);
}

/// A later version can read them.
#[tokio::test]
async fn metadata_of_a_newer_version_are_found_and_left_as_they_are() {
    let sql = "UPDATE jobs SET compressed = CAST(x'fd09' || substr(compressed, 3) AS BLOB) \
               WHERE compressed IS NOT NULL";
    let (world, _folder) = damaged(sql).await;
    let line = format!(
        "{}/1/3: has a record that cannot be read: a value is compressed with dictionary 9, which \
         this program does not have: a newer version has written it",
        world.project
    );
    for repair in [false, true] {
        assert_eq!(check(&world.store, repair).await.0, std::slice::from_ref(&line));
    }
}
