//! GET /jobq/P/list → ListQueue, row by row: never more than a few rows in memory.

use axum::{body::Body, response::IntoResponse as _};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::header::CONTENT_TYPE;
use spiderq_proto::v1::{ListQueueRequest, ListQueueResponse};
use tonic::Status;

use super::StorageResult;
use crate::{call::Call, errors::Problem, negotiation::Form, render::storage::row};

/// Rows that go out as one piece, where they are there already.
const PIECE: usize = 64;

pub(in crate::routes) async fn list(call: Call) -> StorageResult {
    let (message, limit) = decode(&call)?;
    answer(&call, message, limit).await
}

/// At most `limit` rows of what the service lists, in the form that the call asks for.
pub(super) async fn answer(call: &Call, message: ListQueueRequest, limit: usize) -> StorageResult {
    let form = call.form()?;
    let jobmeta = message.metadata_fields.clone();
    let request = call.request(message);
    let answer = call.app.services.queue.list_queue(request).await?;
    let mut jobs = answer.into_inner();
    // The first job is awaited, so that an error still gets its code.
    let first = jobs.try_next().await?;
    let jobs = stream::iter(first.map(Ok)).chain(jobs).take(limit);
    let body = Body::from_stream(text(jobs, form, jobmeta));
    Ok(([(CONTENT_TYPE, form.content_type())], body).into_response())
}

fn decode(call: &Call) -> Result<(ListQueueRequest, usize), Problem> {
    let (params, number) = (&call.params, "must be an integer, 0 or more");
    let count: Option<u64> = params.number("count", number)?;
    let request = ListQueueRequest {
        project: call.project()?,
        filter: Some(params.filter("key")?),
        start: params.number("start", number)?.unwrap_or_default(),
        // 0 means the default to the service: `count=0` takes one and drops it.
        count: count.map_or(0, |count| count.max(1)),
        stop: params.last("stop").unwrap_or_default().to_owned(),
        metadata_fields: params.all("jobmeta"),
        ..ListQueueRequest::default()
    };
    let limit = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    Ok((request, limit))
}

/// The body. An error breaks it off, which the client sees as a cut transfer.
fn text(
    jobs: impl Stream<Item = Result<ListQueueResponse, Status>> + Send + 'static,
    form: Form,
    jobmeta: Vec<String>,
) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
    let pieces = jobs.ready_chunks(PIECE).boxed();
    let state = (pieces, 0_u64, false);
    let jobmeta = std::sync::Arc::new(jobmeta);
    stream::try_unfold(state, move |(mut pieces, mut rows, ended)| {
        let jobmeta = jobmeta.clone();
        async move {
            if ended {
                return Ok(None);
            }
            let mut text = String::new();
            let Some(piece) = pieces.next().await else {
                text.push_str(form.end(rows));
                return Ok(Some((Bytes::from(text), (pieces, rows, true))));
            };
            for answer in piece {
                let answer = answer?;
                let job = answer.job.unwrap_or_default();
                text.push_str(form.before(rows));
                text.push_str(&row(&job, answer.elapsed, &jobmeta));
                text.push_str(form.after());
                rows += 1;
            }
            Ok(Some((Bytes::from(text), (pieces, rows, false))))
        }
    })
}
