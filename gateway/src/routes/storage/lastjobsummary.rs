//! GET /spiders/P[/S]/lastjobsummary → ListLastJobs, page by page.

use spiderq_core::limits::{DEFAULT_HTTP_COUNT, MAX_ROWS};
use spiderq_proto::v1::ListLastJobsRequest;

use super::StorageResult;
use crate::{
    accepted_values, call::Call, errors::Problem, list_format::ListWriter, render::storage::row,
    responses::typed,
};

pub(in crate::routes) async fn lastjobsummary(call: Call) -> StorageResult {
    let format = call.list_format()?;
    let (mut message, mut wanted) = decode(&call)?;
    let mut list = ListWriter::new(format);
    loop {
        // `count=0` still asks for a row, as the service checks the caller's rights.
        let page_size = wanted.clamp(1, MAX_ROWS as u64);
        message.count = u32::try_from(page_size).unwrap_or(1);
        let request = call.request(message);
        let page = call.app.services.queue.list_last_jobs(request).await?.into_inner();
        for job in page.jobs.iter().take(usize::try_from(wanted).unwrap_or(usize::MAX)) {
            list.row(&row(job, (page.now - job.ts).max(0), &[]));
        }
        let rows = page.jobs.len() as u64;
        wanted = wanted.saturating_sub(rows);
        let has_next = rows == page_size && wanted > 0 && message.spider_id == 0;
        let (Some(last), true) = (page.jobs.last(), has_next) else {
            break;
        };
        message = ListLastJobsRequest { start: 0, start_after: last.spider_id, ..message };
    }
    Ok(typed(format.content_type(), list.finish()))
}

/// The request of the first page, and how many rows are wanted in all.
fn decode(call: &Call) -> Result<(ListLastJobsRequest, u64), Problem> {
    let message = ListLastJobsRequest {
        project: call.project()?,
        spider_id: call.spider()?,
        start: call.params.number("start", accepted_values::NOT_NEGATIVE)?.unwrap_or_default(),
        start_after: start_after(call)?,
        count: 0,
    };
    let count = call.params.number("count", accepted_values::NOT_NEGATIVE)?;
    Ok((message, count.unwrap_or(DEFAULT_HTTP_COUNT)))
}

/// A spider's number, or a spider key `P/S`.
fn start_after(call: &Call) -> Result<i64, Problem> {
    let Some(text) = call.params.one("startafter")? else {
        return Ok(0);
    };
    match text.rsplit('/').next().unwrap_or(text).parse() {
        Ok(spider_id) if spider_id >= 0 => Ok(spider_id),
        Ok(_) | Err(_) => Err(Problem::invalid(
            "startafter",
            "must be a spider's number, or a spider key like 53/7",
        )),
    }
}
