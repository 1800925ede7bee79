//! A consumer of finished jobs, as users of the JobQ API write it: it lists those without the tag
//! `consumed`, 1,000 at a time, tags them, and asks again; beside 50 pushes a second of jobs that
//! have just finished.

use std::{
    cell::Cell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::Value;
use spiderq_tests::Http;
use tokio::time::interval;

use crate::{
    Target, at_least,
    figures::Figures,
    fill::{PROJECT, fill, finished, push},
    paging::add_tenths,
    target::StoreArgs,
    times::Times,
};

/// 50 pushes a second.
const PUSH_EVERY: Duration = Duration::from_millis(20);
/// The jobs that the consumer has not seen: the latest 1,000.
const LIST: &str = "/jobq/1/list?lacks_tag=consumed&count=1000&jobmeta=spider";

/// How many jobs.
#[derive(Debug, Args)]
pub(crate) struct Consumed {
    #[command(flatten)]
    store: StoreArgs,
    /// Finished jobs at the begin; 60,000 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    jobs: Option<usize>,
}

pub(crate) async fn measure(args: &Consumed, figures: &mut Figures) {
    let jobs = figures.amount(args.jobs, 60_000, 1_500);
    let target = Target::on(&args.store);
    let mut pushed: BTreeSet<String> =
        fill(&target, "consumed", jobs, |at| finished("spider", at, false))
            .await
            .into_iter()
            .collect();
    let pushes = Pushes::default();
    let (http, start) = (target.http(), Instant::now());
    let (consumer, later) =
        tokio::join!(consume(&http, jobs, &pushes), push_beside(&target, &pushes));
    let wall = start.elapsed();
    pushed.extend(later);
    assert_eq!(consumer.seen, pushed, "each job is seen once");
    let mut series = figures.of("consumed", target.store(), jobs);
    series.add("until all jobs were consumed", wall.as_secs_f64(), "s");
    series.add("jobs seen, each once", consumer.seen.len() as f64, "jobs");
    series.add("rounds", consumer.rounds.count() as f64, "rounds");
    add_tenths(&mut series, "round", &consumer.rounds);
}

struct Consumer {
    seen: BTreeSet<String>,
    rounds: Times,
}

/// What consumer and pusher tell each other.
#[derive(Default)]
struct Pushes {
    /// The consumer has seen as many jobs as there were at first: no more pushes.
    enough: Cell<bool>,
    /// The last push has been answered.
    over: Cell<bool>,
}

/// Goes on until nothing is left and nothing comes.
async fn consume(http: &Http, jobs: usize, pushes: &Pushes) -> Consumer {
    let (mut seen, mut rounds) = (BTreeSet::new(), Times::default());
    loop {
        // Asked before the list is: an empty list ends the loop only if no push came after it.
        let last = pushes.over.get();
        let start = Instant::now();
        let keys = round(http).await;
        if !keys.is_empty() {
            rounds.push(start.elapsed());
        } else if last {
            return Consumer { seen, rounds };
        }
        for key in keys {
            assert!(seen.insert(key), "a job is seen twice");
        }
        pushes.enough.set(seen.len() >= jobs);
    }
}

/// Lists and tags; the keys.
async fn round(http: &Http) -> Vec<String> {
    let page = http.get(LIST).await.ok();
    let text = |key: Value| key.as_str().expect("a key").to_owned();
    let keys: Vec<String> = page.column("key").into_iter().map(text).collect();
    if !keys.is_empty() {
        let project = PROJECT.to_string();
        let mut form = vec![("project", project.as_str()), ("add_tag", "consumed")];
        form.extend(keys.iter().map(|key| ("job", key.as_str())));
        let answer = http.form("/api/jobs/update.json", &form).await.ok();
        assert_eq!(answer.json()["count"], keys.len());
    }
    keys
}

/// Pushes until it is enough; the keys.
async fn push_beside(target: &Target, pushes: &Pushes) -> Vec<String> {
    let (grpc, mut ticks) = (target.grpc(), interval(PUSH_EVERY));
    let mut keys = Vec::new();
    while !pushes.enough.get() {
        ticks.tick().await;
        keys.extend(push(&grpc, vec![finished("spider", keys.len(), false)]).await);
    }
    pushes.over.set(true);
    keys
}
