//! The check of output, for `spiderq fsck`: whether store and output agree on which jobs there are,
//! and whether the output can be read.

use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{FieldSelection, Job, JobId, JobKey, ProjectId, SpiderId},
    store::{CheckProgress, CheckScope, Finding, Store, Subject},
};
use spiderq_output::Outputs;

/// Reports each job of `scope` whose output does not agree with the store, or is damaged. With
/// `repair`, output of jobs that are not in the store is removed, and what a job has twice.
pub async fn check(
    store: &dyn Store,
    outputs: &Outputs,
    scope: &CheckScope,
    repair: bool,
    report: &mut (dyn FnMut(CheckProgress) + Send),
) -> Result<()> {
    let backend = outputs.backend();
    for project in ids(backend.numbers(&[]).await?, ProjectId::new) {
        if !scope.includes(project) {
            continue;
        }
        for spider in ids(backend.numbers(&[project.get()]).await?, SpiderId::new) {
            let jobs = ids(backend.numbers(&[project.get(), spider.get()]).await?, JobId::new);
            let keys: Vec<_> = jobs.map(|job| JobKey { project, spider, job }).collect();
            for keys in keys.chunks(MAX_BATCH) {
                let found = store.get(keys, &FieldSelection::Row).await?;
                for (key, job) in keys.iter().zip(&found) {
                    check_job(outputs, *key, job.as_ref(), repair, report).await?;
                }
            }
        }
    }
    Ok(())
}

/// Other folders are none of ours.
fn ids<T>(numbers: Vec<u64>, new: impl Fn(i64) -> Result<T>) -> impl Iterator<Item = T> {
    numbers.into_iter().filter_map(move |number| new(i64::try_from(number).ok()?).ok())
}

async fn check_job(
    outputs: &Outputs,
    key: JobKey,
    job: Option<&Job>,
    repair: bool,
    report: &mut (dyn FnMut(CheckProgress) + Send),
) -> Result<()> {
    let mut find = |what: String, repaired| {
        report(CheckProgress::Finding(Finding { subject: Subject::Job(key), what, repaired }));
    };
    let Some(job) = job else {
        if repair {
            outputs.remove(key).await?;
        }
        find("has output, but there is no such job".to_owned(), repair);
        return Ok(());
    };
    let problems = match outputs.check(key, job.attempt).await {
        Err(error @ Error::Unavailable { .. }) => {
            let why = format!("output not checked: {error}");
            report(CheckProgress::Unchecked(Subject::Job(key), why));
            return Ok(());
        }
        checked => checked?,
    };
    for problem in problems {
        let repaired = repair && outputs.repair(key, &problem).await?;
        find(problem.what, repaired);
    }
    Ok(())
}
