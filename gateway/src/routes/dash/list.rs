//! GET /api/jobs/list.json and list.jl → ListJobs, page by page.

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use spiderq_core::limits::{DEFAULT_HTTP_COUNT, MAX_PAGE_SIZE};
use spiderq_proto::v1::{ListJobsRequest, ListJobsResponse, ListOrder};
use tonic::Status;

use super::{DashResult, ok};
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    params::Params,
    render::{
        array,
        dash::{METADATA_FIELDS, row},
        ms,
    },
    responses::json_lines,
};

pub(in crate::routes) async fn list_json(call: Call) -> DashResult {
    let pages: Vec<_> = pages(call, true)?.try_collect().await?;
    let total = pages.first().map_or(0, |page| page.total_size);
    let rows: Vec<String> = pages.iter().flat_map(rows).collect();
    Ok(ok(|body| {
        body.number("count", i64::try_from(rows.len()).unwrap_or(i64::MAX))
            .number("total", total)
            .raw("jobs", &array(rows));
    }))
}

pub(in crate::routes) async fn list_jl(call: Call) -> DashResult {
    let mut pages = pages(call, false)?.boxed();
    // The first page is awaited, so that an error still gets its code.
    let first = pages.try_next().await?;
    let pages = stream::iter(first.map(Ok)).chain(pages);
    let lines = pages.map_ok(|page| rows(&page).map(|row| row + "\n").collect::<String>());
    let head = stream::iter([Ok("{\"status\":\"ok\"}\n".to_owned())]);
    Ok(json_lines(Body::from_stream(head.chain(lines).map_ok(Bytes::from))))
}

fn rows(page: &ListJobsResponse) -> impl Iterator<Item = String> {
    let now = ms(page.read_time.as_ref());
    page.jobs.iter().map(move |job| row(job, now))
}

/// The pages of the list: one at least, until all wanted rows came or there are no more.
fn pages(
    call: Call,
    with_total_size: bool,
) -> Result<impl Stream<Item = Result<ListJobsResponse, Status>> + Send, Problem> {
    let wanted =
        call.params.number("count", accepted_values::NOT_NEGATIVE)?.unwrap_or(DEFAULT_HTTP_COUNT);
    let first = ListJobsRequest { with_total_size, ..decode(&call.params)? };
    Ok(stream::try_unfold((call, Some(first), wanted), |(call, message, wanted)| async move {
        let Some(message) = message else { return Ok(None) };
        let page = page(&call, message.clone(), wanted).await?;
        let wanted = wanted.saturating_sub(page.jobs.len() as u64);
        let has_next = wanted > 0 && !page.next_page_token.is_empty();
        let page_token = page.next_page_token.clone();
        // A token is good only for a request that asks for the same.
        let next = ListJobsRequest { page_token, ..message };
        Ok(Some((page, (call, has_next.then_some(next), wanted))))
    }))
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

async fn page(
    call: &Call,
    mut message: ListJobsRequest,
    wanted: u64,
) -> Result<ListJobsResponse, Status> {
    // `count=0` still asks for a row, as the service checks the rights and knows the total.
    message.page_size = i32::try_from(wanted.clamp(1, MAX_PAGE_SIZE as u64)).unwrap_or(1);
    let response = call.app.services.jobs.list_jobs(call.request(message)).await?;
    let mut page = response.into_inner();
    page.jobs.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
    Ok(page)
}
