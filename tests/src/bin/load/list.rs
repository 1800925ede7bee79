//! What a row of a list costs the server.

use clap::Args;

use crate::{
    Target, at_least,
    cpu::CpuTime,
    figures::Figures,
    fill::{PROJECT, fill, finished, tagged},
    target::StoreArgs,
    times::Times,
};

/// Rows of a call.
const PAGE: usize = 1_000;

/// How many calls.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Calls of 1,000 rows; 100 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    calls: Option<usize>,
}

pub(crate) async fn measure(args: &List, figures: &mut Figures) {
    let calls = figures.amount(args.calls, 100, 3);
    let target = Target::on(&args.store);
    let job = |at| tagged(finished("spider", at, false), ["a", "b", "c"].map(str::to_owned));
    fill(&target, "list", PAGE * 2, job).await;
    let (http, path) = (target.http(), format!("/jobq/{PROJECT}/list?count={PAGE}"));
    let page = async || {
        let response = http.get(&path).await.ok();
        assert_eq!(response.text().lines().count(), PAGE);
    };
    page().await;
    let server = CpuTime::of(target.pid.expect("a started server"));
    let redis = target.redis_pid().map(CpuTime::of);
    let times = Times::of(calls, page).await;
    let rows = times.count() * PAGE;
    let mut series = figures.of("list", target.store(), 0);
    series.add("page of 1,000 rows", times.median(), "ms");
    series.add("server CPU a row", server.us_each(rows), "us");
    if let Some(redis) = redis {
        series.add("Redis CPU a row", redis.us_each(rows), "us");
    }
}
