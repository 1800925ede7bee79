//! Jobs whose records are damaged: they hold up no others, and an error names them.

use spiderq_core::{
    error::Error,
    model::{
        Actor, ClaimFilter, Fence, FieldSelection, Filter, Job, JobKey, JsonText, Millis,
        ProjectId, SpiderName, State, StateSet, Tag,
    },
    store::{Effect, JobStore as _, NewAttempt, NewJob, QueueStore as _},
};
use tempfile::TempDir;

use super::{SqliteStore, job};

fn project() -> ProjectId {
    ProjectId::new(1).unwrap()
}

/// With metadata that are compressed.
fn large(state: State) -> NewJob {
    let mut new = job(state);
    new.metadata.set("close_reason", JsonText::string("finished"));
    new.metadata.set("scrapystats", JsonText::string(&"1.0 ".repeat(100)));
    new
}

/// So many jobs in a state, of which the compressed metadata of those with these numbers are
/// changed by an expression.
async fn damaged(new: NewJob, jobs: usize, numbers: &str, to: &str) -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    store.push(project(), vec![new; jobs], Millis(1), None).await.unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = format!("UPDATE jobs SET {to} WHERE job IN ({numbers})");
    connection.execute(&sql, []).unwrap();
    (store, folder)
}

/// A bit that has flipped in the frame; a dictionary of a later version; tags that are no JSON.
const DAMAGE: [&str; 3] = [
    "compressed = CAST(substr(compressed, 1, 20) || x'00' || substr(compressed, 22) AS BLOB)",
    "compressed = CAST(substr(compressed, 1, 1) || x'09' || substr(compressed, 3) AS BLOB)",
    "tags = 'damaged'",
];

async fn list(store: &SqliteStore, fields: &FieldSelection) -> (Vec<u64>, Option<Error>) {
    let mut filter = Filter { states: StateSet::ALL, ..Filter::default() };
    let mut listed = Vec::new();
    loop {
        match store.page(project(), &filter, 100, fields).await {
            Err(error) => return (listed, Some(error)),
            Ok(page) => {
                listed.extend(page.jobs.iter().map(|job: &Job| job.key.job.get()));
                let Some(next) = page.next else { return (listed, None) };
                filter.until = Some(next);
            }
        }
    }
}

fn names(error: Option<Error>, key: &str) {
    let Some(Error::JobDamaged { job, .. }) = error else { panic!("{error:?}") };
    assert_eq!(job.to_string(), key);
}

#[tokio::test]
async fn a_list_ends_at_a_damaged_job_only_where_it_asks_for_what_is_damaged() {
    for damage in &DAMAGE[..2] {
        let (store, _folder) = damaged(large(State::Finished), 5, "3", damage).await;
        for fields in [FieldSelection::Row, FieldSelection::Row.with("spider_args")] {
            let (listed, error) = list(&store, &fields).await;
            assert!(error.is_none(), "{error:?}");
            assert_eq!(listed, [5, 4, 3, 2, 1]);
        }
        for fields in [FieldSelection::Full, FieldSelection::Row.with("scrapystats")] {
            let (listed, error) = list(&store, &fields).await;
            assert_eq!(listed, [5, 4]);
            names(error, "1/1/3");
        }
    }
}

#[tokio::test]
async fn jobs_by_key_come_until_one_is_damaged() {
    let (store, _folder) = damaged(large(State::Finished), 3, "2", DAMAGE[0]).await;
    let keys = ["1/1/1", "1/1/2", "1/1/3"].map(|key| JobKey::parse(key).unwrap());
    let read = store.get_first(&keys, &FieldSelection::Full).await.unwrap();
    assert_eq!(read.len(), 1);
    let refused = store.get_first(&keys[1..], &FieldSelection::Full).await;
    names(refused.err(), "1/1/2");
    assert_eq!(store.get_first(&keys, &FieldSelection::Row).await.unwrap().len(), 3);
}

/// The number of the job that a claim takes.
async fn claim(store: &SqliteStore, wanted: &ClaimFilter) -> Option<u64> {
    let effect = Effect {
        enter: Some((State::Running, Actor::parse("worker").unwrap())),
        start: Some(NewAttempt { fence: Fence::random().unwrap(), lease_expires: None }),
        ..Effect::default()
    };
    let claimed = store.claim(project(), wanted, &effect, Millis(2), None).await.unwrap();
    claimed.map(|claimed| claimed.job.key.job.get())
}

#[tokio::test]
async fn a_claim_passes_over_damaged_jobs() {
    for damage in DAMAGE {
        let (store, _folder) = damaged(large(State::Pending), 4, "1, 3", damage).await;
        let any = ClaimFilter::default();
        let mut claims = Vec::new();
        for _ in 0..3 {
            claims.push(claim(&store, &any).await);
        }
        assert_eq!(claims, [Some(2), Some(4), None], "{damage}");
        // A new one, which has another position.
        store.push(project(), vec![large(State::Pending)], Millis(3), None).await.unwrap();
        assert_eq!(claim(&store, &any).await, Some(5), "{damage}");
    }
}

/// More than one step of a claim passes over, and more than are looked at in the order of the
/// queue.
#[tokio::test]
async fn a_claim_finds_the_job_behind_very_many_damaged_ones() {
    let jobs = 700;
    for wanted in [
        ClaimFilter::default(),
        ClaimFilter { spiders: vec![SpiderName::parse("s").unwrap()], ..ClaimFilter::default() },
        ClaimFilter { has_tags: vec![Tag::parse("t").unwrap()], ..ClaimFilter::default() },
    ] {
        let numbers = "SELECT job FROM jobs WHERE job < 700";
        let (store, _folder) = damaged(large(State::Pending), jobs, numbers, DAMAGE[0]).await;
        let claims = [claim(&store, &wanted).await, claim(&store, &wanted).await];
        assert_eq!(claims, [Some(700), None], "{wanted:?}");
    }
}
