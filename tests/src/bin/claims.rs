//! What claims cost Redis: the time of single claim scripts, by its slow log, on a project with
//! so many pending jobs, on a Redis that it starts.
//!
//! `cargo run --release -p spiderq-tests --bin claims -- 1000000`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a step that cannot be done ends the measurement; what it prints is its answer"
)]

use std::{env, sync::Arc};

use futures::{StreamExt as _, stream};
use spiderq_core::{
    model::{
        Actor, ClaimFilter, Counters, Fence, FieldName, JsonText, Metadata, Millis, Priority,
        ProjectId, SpiderId, SpiderName, State, Tag, Tags, Units,
    },
    store::{Effect, MAX_BATCH, MAX_RUNNING_UNITS, NewAttempt, NewJob, SettingsChange, Store},
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::redis_server::RedisServer;

const NOW: Millis = Millis(1_700_000_000_000);
/// Claims of each kind.
const CLAIMS: usize = 50;

fn job(spider: &str, tags: &[&str]) -> NewJob {
    NewJob {
        spider: SpiderName::parse(spider).unwrap(),
        state: State::Pending,
        scheduled: false,
        spider_tags: false,
        actor: Actor::parse("pusher").unwrap(),
        priority: Priority::default(),
        units: Units::default(),
        tags: Tags::parse(tags).unwrap(),
        unique: None,
        counters: Counters::default(),
        metadata: Metadata::default(),
        start: None,
    }
}

fn starting() -> Effect {
    Effect {
        enter: Some((State::Running, Actor::parse("worker").unwrap())),
        start: Some(NewAttempt {
            fence: Fence::random().unwrap(),
            lease_expires: Some(Millis(NOW.0 + 30_000)),
        }),
        ..Effect::default()
    }
}

/// `jobs` of one spider, every second tagged `even`, then a hundred of another tagged `rare`.
async fn fill(store: &Arc<dyn Store>, project: ProjectId, jobs: usize) {
    let batches = stream::iter(0..jobs / MAX_BATCH).map(|_| {
        let batch = (0..MAX_BATCH).map(|n| job("deep", if n % 2 == 0 { &["even"] } else { &[] }));
        store.push(project, batch.collect(), NOW, None)
    });
    let pushed: Vec<_> = batches.buffered(16).collect().await;
    assert!(pushed.iter().all(Result::is_ok));
    let last = (0..MAX_BATCH).map(|_| job("last", &["rare"])).collect();
    store.push(project, last, NOW, None).await.unwrap();
}

/// Claims so often; the slowest and the median of Redis' own times, and the calls, µs.
async fn cost(
    store: &Arc<dyn Store>,
    redis: &mut redis::Connection,
    project: ProjectId,
    what: &str,
    wanted: ClaimFilter,
) {
    let query = |redis: &mut redis::Connection, words: &[&str]| {
        redis::cmd(words[0]).arg(&words[1..]).query::<redis::Value>(redis).unwrap()
    };
    query(redis, &["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    query(redis, &["CONFIG", "SET", "slowlog-max-len", "100000"]);
    query(redis, &["SLOWLOG", "RESET"]);
    let mut taken = 0;
    for _ in 0..CLAIMS {
        let claimed = store.claim(project, &wanted, &starting(), NOW, None).await.unwrap();
        taken += usize::from(claimed.is_some());
    }
    query(redis, &["CONFIG", "SET", "slowlog-log-slower-than", "-1"]);
    let log: Vec<Vec<redis::Value>> =
        redis::cmd("SLOWLOG").arg("GET").arg(100_000).query(redis).unwrap();
    let is_script =
        |entry: &&Vec<redis::Value>| format!("{:?}", entry[3]).to_lowercase().contains("evalsha");
    let mut times: Vec<i64> = log
        .iter()
        .filter(is_script)
        .map(|entry| redis::from_redis_value(entry[2].clone()).unwrap())
        .collect();
    times.sort_unstable();
    let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what:<45} {taken} of {CLAIMS} taken, {:.1} scripts each, median {median} us, most {most} us",
        times.len() as f64 / CLAIMS as f64
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let jobs = env::args().nth(1).map_or(100_000, |jobs| jobs.parse().unwrap());
    let server = RedisServer::start(&[]);
    let store = open(&StoreUrl::parse(&server.url()).unwrap()).await.unwrap();
    let mut redis = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let project = ProjectId::new(1).unwrap();
    fill(&store, project, jobs).await;
    for (what, wanted) in kinds() {
        cost(&store, &mut redis, project, what, wanted).await;
    }
    let cap = FieldName::known(MAX_RUNNING_UNITS);
    let cap: Metadata = [(cap, JsonText::parse("1000000").unwrap())].into_iter().collect();
    let change = SettingsChange::Merge(cap);
    store.change_settings(project, change).await.unwrap();
    let any = ClaimFilter::default();
    cost(&store, &mut redis, project, "any, under a cap of units", any.clone()).await;
    let deep = SpiderId::new(1).unwrap();
    store.limit_spider(project, deep, Some(1)).await.unwrap();
    cost(&store, &mut redis, project, "behind all jobs of a spider at its limit", any).await;
}

/// Claims without limits.
fn kinds() -> [(&'static str, ClaimFilter); 5] {
    let any = ClaimFilter::default;
    let tag = |name| vec![Tag::parse(name).unwrap()];
    let of_a_spider = ClaimFilter { spiders: vec![SpiderName::parse("deep").unwrap()], ..any() };
    let has = |name| ClaimFilter { has_tags: tag(name), ..any() };
    let lacks = ClaimFilter { lacks_tags: tag("even"), ..any() };
    [
        ("any", any()),
        ("of a spider", of_a_spider),
        ("with a tag that half of them have", has("even")),
        ("with a rare tag, behind all others", has("rare")),
        ("without a tag that half of them have", lacks),
    ]
}
