//! GET /api/items.jl and /api/log.txt, as older clients call them, each in several formats. They
//! name the job by a parameter: `job`, or for items `spider`, whose last finished job is meant.

use futures::TryStreamExt as _;
use spiderq_proto::v1::{JobFilter, JobState, ListQueueRequest, OutputKind};

use super::{
    DashResult,
    read::name_columns,
    response::{Source, Wanted, respond},
};
use crate::{
    accepted_values,
    call::Call,
    errors::{Problem, required},
    output::{filter::Filter, format::Format, position},
    spider_ref::by_name,
};

/// The formats as the handlers name them.
const FORMATS: [&str; 5] = ["json", "jl", "csv", "xml", "text"];
pub(in crate::routes) const JSON: usize = 0;
pub(in crate::routes) const JL: usize = 1;
pub(in crate::routes) const CSV: usize = 2;
pub(in crate::routes) const XML: usize = 3;
pub(in crate::routes) const TEXT: usize = 4;

pub(in crate::routes) async fn items<const FORMAT: usize>(call: Call) -> DashResult {
    lines(call, OutputKind::Items, FORMATS[FORMAT]).await
}

pub(in crate::routes) async fn log<const FORMAT: usize>(call: Call) -> DashResult {
    lines(call, OutputKind::Logs, FORMATS[FORMAT]).await
}

async fn lines(call: Call, kind: OutputKind, format: &str) -> DashResult {
    let mut format = Format::named(kind, format, &call.params)?;
    let filter = Filter::of(kind, &call.params)?;
    let count = call.params.number::<i128>("count", accepted_values::INTEGER)?;
    let count = count.map(|count| count.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
    let key = job(&call, kind).await?;
    let source = match &key {
        None => Source::Jobs { project: 0, jobs: Vec::new().into_iter() },
        Some(key) => {
            name_columns(&call, kind, key.clone(), &mut format).await?;
            Source::from(key.clone(), position::first_offset(&call.params, key)?)
        }
    };
    // A negative count is that of the last lines.
    let tail = count.map_or(0, |count| count.min(0).saturating_neg());
    let count = count.filter(|count| *count >= 0);
    Ok(respond(call, Wanted { kind, source, filter, count, tail, format }).await?)
}

/// The job that is meant; `None` where the spider has no finished one.
async fn job(call: &Call, kind: OutputKind) -> Result<Option<String>, Problem> {
    let project = call.params.project()?;
    let spider = call.params.one("spider")?.filter(|_| kind == OutputKind::Items);
    match (call.params.one("job")?, spider) {
        (Some(key), _) => {
            let is_of_project = key.split('/').next() == Some(&project.to_string());
            let refused = || Problem::invalid("job", "must be of the given project");
            is_of_project.then(|| Some(key.to_owned())).ok_or_else(refused)
        }
        (None, Some(spider)) => last_finished(call, project, spider).await,
        (None, None) => Err(Problem::invalid("job", accepted_values::JOB_KEY)),
    }
}

/// Key of the spider's last finished job.
async fn last_finished(call: &Call, project: i64, spider: &str) -> Result<Option<String>, Problem> {
    let filter = JobFilter {
        states: vec![JobState::Finished.into()],
        spiders: vec![by_name(spider)],
        ..JobFilter::default()
    };
    let request =
        ListQueueRequest { project, filter: Some(filter), limit: 1, ..ListQueueRequest::default() };
    let rows = call.app.services.queue.list_queue(call.request(request)).await?;
    let row = rows.into_inner().try_next().await?;
    row.map(|row| Ok(required(row.job, "job")?.key)).transpose()
}
