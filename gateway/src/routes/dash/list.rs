//! GET /api/jobs/list.json and list.jl → ListJobs, page by page: one page is in memory at a time.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use spiderq_core::{
    HeldMemory,
    limits::{DEFAULT_HTTP_COUNT, MAX_PAGE_SIZE},
};
use spiderq_proto::v1::{ListJobsRequest, ListJobsResponse, ListOrder};
use tonic::Status;

use super::{DashResult, ok};
use crate::{
    accepted_values,
    call::Call,
    errors::{Problem, required},
    params::Params,
    render::{
        array,
        dash::{METADATA_FIELDS, row},
        ms,
    },
    responses::{JSON, JSON_LINES, holding, take_held, typed},
};

/// The number of rows stands before them if they are of one page, else behind them.
pub(in crate::routes) async fn list_json(call: Call) -> DashResult {
    let mut pages = Pages::new(call, true)?;
    let Page { message, held } = required(pages.next().await?, "page")?;
    let (count, total) = (message.jobs.len(), message.total_size);
    if pages.next.is_none() {
        let response = ok(|body| {
            body.number("count", number(count))
                .number("total", total)
                .raw("jobs", &array(rows(&message)));
        });
        return Ok(holding(response, held));
    }
    let head = format!("{{\"status\":\"ok\",\"total\":{total},\"jobs\":[");
    let texts = Texts { head, before_rows: ",", after_rows: "" };
    Ok(stream_rows(JSON, texts, Page { message, held }, pages, |count| {
        format!("],\"count\":{count}}}")
    }))
}

pub(in crate::routes) async fn list_jl(call: Call) -> DashResult {
    let mut pages = Pages::new(call, false)?;
    // The first page is awaited, so that an error still gets its code.
    let first = required(pages.next().await?, "page")?;
    let head = "{\"status\":\"ok\"}\n".to_owned();
    let texts = Texts { head, before_rows: "", after_rows: "\n" };
    Ok(stream_rows(JSON_LINES, texts, first, pages, |_| String::new()))
}

/// A body of the rows, with what `end` writes after so many of them. An error breaks it off, which
/// the client sees as an incomplete transfer.
fn stream_rows(
    content_type: &'static str,
    texts: Texts,
    first: Page,
    pages: Pages,
    end: fn(usize) -> String,
) -> Response {
    let state = Some((texts, Some(first), pages, 0, None));
    let body = stream::try_unfold(state, move |state| async move {
        let Some((mut texts, page, mut pages, mut count, held)) = state else { return Ok(None) };
        // Before the next page takes its own: both may not fit.
        drop(held);
        let page = match page {
            Some(page) => Some(page),
            None => pages.next().await?,
        };
        let Some(Page { message, held }) = page else {
            return Ok(Some((Bytes::from(end(count)), None)));
        };
        let mut text = std::mem::take(&mut texts.head);
        for row in rows(&message) {
            text.extend([if count > 0 { texts.before_rows } else { "" }, &row, texts.after_rows]);
            count += 1;
        }
        // The memory of the page is held while its text is sent.
        Ok::<_, Status>(Some((Bytes::from(text), Some((texts, None, pages, count, held)))))
    });
    typed(content_type, Body::from_stream(body.boxed()))
}

/// What stands around the rows of a list.
struct Texts {
    head: String,
    /// Before each but the first.
    before_rows: &'static str,
    after_rows: &'static str,
}

fn rows(page: &ListJobsResponse) -> impl Iterator<Item = String> {
    let now = ms(page.read_time.as_ref());
    page.jobs.iter().map(move |job| row(job, now))
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

struct Page {
    message: ListJobsResponse,
    held: Option<HeldMemory>,
}

/// The pages of a list: one at least, until all wanted rows came or there are no more.
struct Pages {
    call: Call,
    /// The request of the next page.
    next: Option<ListJobsRequest>,
    wanted: u64,
}

impl Pages {
    fn new(call: Call, with_total_size: bool) -> Result<Self, Problem> {
        let wanted = call.params.number("count", accepted_values::NOT_NEGATIVE)?;
        let first = ListJobsRequest { with_total_size, ..decode(&call.params)? };
        Ok(Self { call, next: Some(first), wanted: wanted.unwrap_or(DEFAULT_HTTP_COUNT) })
    }

    async fn next(&mut self) -> Result<Option<Page>, Status> {
        let Some(mut request) = self.next.take() else { return Ok(None) };
        // `count=0` still asks for a row, as the service checks the rights and knows the total.
        request.page_size = i32::try_from(self.wanted.clamp(1, MAX_PAGE_SIZE as u64)).unwrap_or(1);
        let response = self.call.app.services.jobs.list_jobs(self.call.request(request.clone()));
        let (mut message, held) = take_held(response.await?);
        message.jobs.truncate(usize::try_from(self.wanted).unwrap_or(usize::MAX));
        self.wanted = self.wanted.saturating_sub(message.jobs.len() as u64);
        if self.wanted > 0 && !message.next_page_token.is_empty() {
            // A token is good only for a request that asks for the same.
            request.page_token.clone_from(&message.next_page_token);
            self.next = Some(request);
        }
        Ok(Some(Page { message, held }))
    }
}

fn decode(params: &Params) -> Result<ListJobsRequest, Problem> {
    Ok(ListJobsRequest {
        project: params.project()?,
        filter: Some(params.job_filter("job")?),
        skip: params.rows("offset")?.unwrap_or_default(),
        metadata_fields: METADATA_FIELDS.map(str::to_owned).into(),
        // A running job comes before finished ones, as in the examples of the original.
        order: ListOrder::State.into(),
        ..ListJobsRequest::default()
    })
}
