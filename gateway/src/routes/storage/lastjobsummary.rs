//! GET /spiders/P[/S]/lastjobsummary → ListLastJobs, page by page.

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use spiderq_core::{
    HeldMemory,
    limits::{DEFAULT_HTTP_COUNT, MAX_ROWS},
};
use spiderq_proto::v1::ListLastJobsRequest;
use tonic::Status;

use super::StorageResult;
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    list_format::ListWriter,
    render::storage::{metadata_fields, row_at},
    responses::{take_held, typed},
};

pub(in crate::routes) async fn lastjobsummary(call: Call) -> StorageResult {
    let format = call.list_format()?;
    let (message, wanted) = decode(&call)?;
    let mut rows = Rows { call, next: Some((message, wanted)), writer: ListWriter::new(format) };
    // The first page is awaited, so that an error still gets its code.
    let first = rows.page().await?;
    let texts = stream::try_unfold(Some((rows, first, None)), |state| async {
        let Some((mut rows, page, held)) = state else { return Ok(None) };
        // The memory of a page is held until the next is asked for: both may not fit.
        drop(held);
        let page = match page {
            Some(page) => Some(page),
            None => rows.page().await?,
        };
        Ok::<_, Status>(Some(match page {
            Some((text, held)) => (Bytes::from(text), Some((rows, None, held))),
            None => (Bytes::from(rows.writer.finish()), None),
        }))
    });
    Ok(typed(format.content_type(), Body::from_stream(texts)))
}

/// The rows that are still to be written.
struct Rows {
    call: Call,
    /// The request of the next page, and how many rows are wanted in all.
    next: Option<(ListLastJobsRequest, u64)>,
    writer: ListWriter,
}

impl Rows {
    /// The text of the next page, and the memory that it holds; `None` after the last.
    async fn page(&mut self) -> Result<Option<(String, Option<HeldMemory>)>, Status> {
        let Some((mut message, wanted)) = self.next.take() else { return Ok(None) };
        // `count=0` still asks for a row, as the service checks the caller's rights.
        message.page_size = i32::try_from(wanted.clamp(1, MAX_ROWS as u64)).unwrap_or(1);
        let request = self.call.request(message.clone());
        let (page, held) = take_held(self.call.app.services.queue.list_last_jobs(request).await?);
        for job in page.jobs.iter().take(usize::try_from(wanted).unwrap_or(usize::MAX)) {
            self.writer.row(&row_at(job, page.read_time.as_ref(), &[]));
        }
        let wanted = wanted.saturating_sub(page.jobs.len() as u64);
        message.page_token = page.next_page_token;
        let is_end = wanted == 0 || message.page_token.is_empty();
        self.next = (!is_end).then_some((message, wanted));
        Ok(Some((self.writer.take(), held)))
    }
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
