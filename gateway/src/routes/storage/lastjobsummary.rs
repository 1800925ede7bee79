//! GET /spiders/P[/S]/lastjobsummary → ListLastJobs, page by page.

use axum::response::IntoResponse as _;
use http::header::CONTENT_TYPE;
use spiderq_proto::v1::ListLastJobsRequest;

use super::{BATCH, StorageResult};
use crate::{call::Call, errors::Problem, render::storage::row};

pub(in crate::routes) async fn lastjobsummary(call: Call) -> StorageResult {
    let form = call.form()?;
    let (mut message, mut left) = decode(&call)?;
    let (mut body, mut rows) = (String::new(), 0);
    loop {
        // `count=0` still asks for a row: rights are the service's to say.
        let most = left.clamp(1, BATCH as u64);
        message.count = u32::try_from(most).unwrap_or(1);
        let request = call.request(message);
        let page = call.app.services.queue.list_last_jobs(request).await?;
        let page = page.into_inner();
        let full = page.jobs.len() as u64 == most;
        for job in page.jobs.iter().take(usize::try_from(left).unwrap_or(BATCH)) {
            body.push_str(form.before(rows));
            body.push_str(&row(job, (page.now - job.ts).max(0), &[]));
            body.push_str(form.after());
            rows += 1;
        }
        left = left.saturating_sub(page.jobs.len() as u64);
        let last = page.jobs.last().and_then(|job| spider(&job.key));
        let (Some(last), true) = (last, full && left > 0 && message.spider_id == 0) else {
            break;
        };
        message = ListLastJobsRequest { start: 0, start_after: last, ..message };
    }
    body.push_str(form.end(rows));
    Ok(([(CONTENT_TYPE, form.content_type())], body).into_response())
}

/// The request of the first page, and how many rows are wanted in all.
fn decode(call: &Call) -> Result<(ListLastJobsRequest, u64), Problem> {
    let (params, number) = (&call.params, "must be an integer, 0 or more");
    let message = ListLastJobsRequest {
        project: call.project()?,
        spider_id: call.spider()?,
        start: params.number("start", number)?.unwrap_or_default(),
        start_after: start_after(call)?,
        count: 0,
    };
    let count = params.number("count", number)?;
    Ok((message, count.unwrap_or(BATCH as u64)))
}

/// A spider's number, or `P/S`.
fn start_after(call: &Call) -> Result<i64, Problem> {
    let Some(text) = call.params.last("startafter") else {
        return Ok(0);
    };
    let number = text.rsplit('/').next().unwrap_or(text).parse();
    match number {
        Ok(number) if number >= 0 => Ok(number),
        Ok(_) | Err(_) => Err(Problem::invalid(
            "startafter",
            "must be a spider's number, or a spider key like 53/7",
        )),
    }
}

/// The spider's number in a job key.
fn spider(key: &str) -> Option<i64> {
    key.split('/').nth(1)?.parse().ok()
}
