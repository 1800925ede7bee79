//! All pages of a list by `start=`, from the first to the last.

use std::collections::BTreeSet;

use clap::Args;

use crate::{
    Target, at_least,
    figures::Figures,
    fill::{BATCH, PROJECT, fill, finished},
    target::StoreArgs,
    times::Times,
};

/// How many jobs.
#[derive(Debug, Args)]
pub(crate) struct Paging {
    #[command(flatten)]
    store: StoreArgs,
    /// Finished jobs; 60,000 unless said otherwise.
    #[arg(long, value_parser = at_least(1))]
    jobs: Option<usize>,
}

pub(crate) async fn measure(args: &Paging, figures: &mut Figures) {
    let jobs = figures.amount(args.jobs, 60_000, 1_500);
    let target = Target::on(&args.store);
    fill(&target, "paging", jobs, |at| finished("spider", at, false)).await;
    let http = target.http();
    let (mut times, mut seen) = (Times::default(), BTreeSet::new());
    for start in (0..jobs).step_by(BATCH) {
        let path = format!("/jobq/{PROJECT}/list?count={BATCH}&start={start}&jobmeta=spider");
        let page = times.time(async || http.get(&path).await.ok()).await;
        seen.extend(page.column("key").into_iter().map(|key| key.to_string()));
    }
    assert_eq!(seen.len(), jobs, "each job is in one page");
    let mut series = figures.of("paging", target.store(), jobs);
    series.add("all pages", times.total() / 1e3, "s");
    add_tenths(&mut series, "page", &times);
}

/// Medians of each tenth of the calls.
pub(crate) fn add_tenths(series: &mut crate::figures::Series<'_>, what: &str, times: &Times) {
    for (at, median) in times.tenths().into_iter().enumerate().filter(|(_, ms)| ms.is_finite()) {
        series.add(&format!("{what}, median of tenth {}", at + 1), median, "ms");
    }
}
