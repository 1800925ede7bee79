//! GET /items/P and /items/P/S → ListQueue for the jobs, then ReadOutput for each of them: by
//! spider, then by job, then in the order in which the lines were written, as the original has it.

use futures::TryStreamExt as _;
use http::StatusCode;
use spiderq_proto::v1::{JobFilter, ListQueueRequest};

use super::{
    StorageResult, kind,
    response::{Source, Wanted, respond},
};
use crate::{
    call::Call,
    errors::{Problem, required},
    output::{
        filter::Filter,
        format::Format,
        position::{self, Position},
    },
    params,
    spider_ref::by_id,
};

/// Jobs whose lines one request reads: their keys are sorted in memory.
const MAX_JOBS: i64 = 100_000;

/// The lines of all jobs that are not deleted.
pub(in crate::routes) async fn rows_of_jobs<const KIND: i32>(call: Call) -> StorageResult {
    let (kind, project) = (kind(KIND), call.project()?);
    let spider = call.optional_part("spider");
    let spider = spider.map(|text| params::positive("spider", text)).transpose()?;
    let first = position::first_position(&call.params, project, spider)?;
    let format = Format::negotiate(kind, &call.params, &call.headers)?;
    if matches!(&format, Format::Csv(csv) if csv.fields.is_empty()) {
        return Err(Problem::invalid("fields", "is required, a list with commas").into());
    }
    let filter = Filter::of(kind, &call.params)?;
    let count = call.params.rows("count")?;
    let jobs = jobs_from(&call, project, spider, first).await?.into_iter();
    let source = Source::Jobs { project, jobs };
    Ok(respond(call, Wanted { kind, source, filter, count, tail: 0, format }).await?)
}

/// The jobs in the order of their keys, each with its first line that is asked for.
async fn jobs_from(
    call: &Call,
    project: i64,
    spider: Option<i64>,
    first: Position,
) -> Result<Vec<Position>, Problem> {
    let spiders = spider.into_iter().map(by_id).collect();
    let request = call.request(ListQueueRequest {
        project,
        filter: Some(JobFilter { spiders, ..JobFilter::default() }),
        limit: MAX_JOBS + 1,
        ..ListQueueRequest::default()
    });
    let mut rows = call.app.services.queue.list_queue(request).await?.into_inner();
    let (mut jobs, mut listed) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        listed += 1;
        if listed > MAX_JOBS {
            let message = format!("there are more than {MAX_JOBS} jobs, ask for a spider or a job");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        let key = required(row.job, "job")?.key;
        let mut numbers = key.split('/').skip(1).map(|number| number.parse().unwrap_or_default());
        let (spider, job) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let first_line = if (first.0, first.1) == (spider, job) { first.2 } else { 0 };
        if (spider, job, first_line) >= first {
            jobs.push((spider, job, first_line));
        }
    }
    jobs.sort_unstable();
    Ok(jobs)
}
