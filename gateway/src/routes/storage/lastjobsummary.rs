//! GET /spiders/P[/S]/lastjobsummary → ListLastJobs, page by page.

use spiderq_core::limits::{DEFAULT_HTTP_COUNT, MAX_ROWS};
use spiderq_proto::v1::ListLastJobsRequest;

use super::StorageResult;
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    list_format::ListWriter,
    render::storage::{metadata_fields, row_at},
    responses::typed,
};

pub(in crate::routes) async fn lastjobsummary(call: Call) -> StorageResult {
    let format = call.list_format()?;
    let (mut message, mut wanted) = decode(&call)?;
    let mut list = ListWriter::new(format);
    loop {
        // `count=0` still asks for a row, as the service checks the caller's rights.
        message.page_size = i32::try_from(wanted.clamp(1, MAX_ROWS as u64)).unwrap_or(1);
        let request = call.request(message.clone());
        let page = call.app.services.queue.list_last_jobs(request).await?.into_inner();
        for job in page.jobs.iter().take(usize::try_from(wanted).unwrap_or(usize::MAX)) {
            list.row(&row_at(job, page.read_time.as_ref(), &[]));
        }
        wanted = wanted.saturating_sub(page.jobs.len() as u64);
        message.page_token = page.next_page_token;
        if wanted == 0 || message.page_token.is_empty() {
            break;
        }
    }
    Ok(typed(format.content_type(), list.finish()))
}

/// The request of the first page, and how many rows are wanted in all.
fn decode(call: &Call) -> Result<(ListLastJobsRequest, u64), Problem> {
    let message = ListLastJobsRequest {
        project: call.project()?,
        spider: call.spider()?,
        after_spider_id: start_after(call)?,
        skip: call.params.rows("start")?.unwrap_or_default(),
        metadata_fields: metadata_fields(&[]),
        ..ListLastJobsRequest::default()
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
