//! GET /api/jobs/list.json and list.jl → ListJobs, page by page.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header::CONTENT_TYPE;
use spiderq_proto::v1::{ListJobsRequest, ListJobsResponse, ListOrder};
use tonic::Status;

use super::{DashResult, json};
use crate::{
    call::Call,
    errors::Problem,
    render::{Object, dash::row},
};

/// Rows without `count`, and the most of a page.
const PAGE: u64 = 1000;

pub(in crate::routes) async fn list_json(call: Call) -> DashResult {
    let mut pages = Pages::of(call, true)?;
    let (mut rows, mut total) = (Vec::new(), None);
    while let Some(page) = pages.next().await? {
        total.get_or_insert(page.total);
        rows.extend(page.jobs.iter().map(|job| row(job, page.now)));
    }
    let mut body = Object::new();
    body.text("status", "ok")
        .number("count", i64::try_from(rows.len()).unwrap_or(i64::MAX))
        .number("total", total.unwrap_or_default())
        .raw("jobs", &format!("[{}]", rows.join(",")));
    Ok(json(body.finish()))
}

pub(in crate::routes) async fn list_jl(call: Call) -> DashResult {
    let mut pages = Pages::of(call, false)?;
    // The first page is awaited, so that an error still gets its code.
    let first = pages.next().await?.unwrap_or_default();
    let head = format!("{{\"status\":\"ok\"}}\n{}", text(&first));
    let rest = stream::try_unfold(pages, |mut pages| async move {
        let page = pages.next().await?;
        Ok::<_, Status>(page.map(|page| (Bytes::from(text(&page)), pages)))
    });
    let head = stream::iter([Ok(Bytes::from(head))]);
    let body = Body::from_stream(stream::StreamExt::chain(head, rest));
    Ok(lines(body))
}

fn lines(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/x-jsonlines")], body).into_response()
}

fn text(page: &ListJobsResponse) -> String {
    let rows = page.jobs.iter().map(|job| row(job, page.now) + "\n");
    rows.collect()
}

/// The pages of a list, until `left` rows were answered or there are no more.
struct Pages {
    call: Call,
    request: Option<ListJobsRequest>,
    left: u64,
}

impl Pages {
    fn of(call: Call, with_total: bool) -> Result<Self, Problem> {
        let count = "must be an integer, 0 or more";
        let left = call.params.number("count", count)?.unwrap_or(PAGE);
        let request = ListJobsRequest {
            project: call.params.project()?,
            filter: Some(call.params.filter("job")?),
            offset: call.params.number("offset", count)?.unwrap_or_default(),
            with_total,
            // As the documents show it: a running job stands before finished ones.
            order: ListOrder::State.into(),
            ..ListJobsRequest::default()
        };
        Ok(Self { call, request: Some(request), left })
    }

    async fn next(&mut self) -> Result<Option<ListJobsResponse>, Status> {
        let Some(mut message) = self.request.take() else {
            return Ok(None);
        };
        // `count=0` still asks for a row: rights and the total are the service's to say.
        message.page_size = u32::try_from(self.left.clamp(1, PAGE)).unwrap_or(1);
        let request = self.call.request(message.clone());
        let answer = self.call.app.services.jobs.list_jobs(request).await?;
        let mut page = answer.into_inner();
        page.jobs.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left = self.left.saturating_sub(page.jobs.len() as u64);
        if self.left > 0 && !page.next_page_token.is_empty() {
            message.page_token.clone_from(&page.next_page_token);
            (message.offset, message.with_total) = (0, false);
            self.request = Some(message);
        }
        Ok(Some(page))
    }
}
