//! GET /jobq/P/list → ListQueue, row by row: only a few rows are in memory at a time.

use axum::body::Body;
use bytes::Bytes;
use futures::{FutureExt as _, Stream, StreamExt as _, TryStreamExt as _, stream};
use spiderq_proto::{
    time::duration_ms,
    v1::{ListQueueRequest, ListQueueResponse},
};
use tonic::Status;

use super::{StorageResult, job_filter};
use crate::{
    call::Call,
    errors::{Problem, required},
    list_format::{ListFormat, ListWriter},
    render::storage::{metadata_fields, row},
    responses::typed,
};

/// Bytes that are sent at once, if so many are there already; a single row may have more.
const MAX_CHUNK_BYTES: usize = 64 << 10;

pub(in crate::routes) async fn list(call: Call) -> StorageResult {
    let (message, limit) = decode(&call)?;
    stream_rows(&call, message, limit).await
}

/// At most `limit` rows of what the service lists, in the format and with the fields that the client
/// asks for.
pub(super) async fn stream_rows(
    call: &Call,
    mut message: ListQueueRequest,
    limit: usize,
) -> StorageResult {
    let format = call.list_format()?;
    let jobmeta = call.params.all("jobmeta");
    message.metadata_fields = metadata_fields(&jobmeta);
    let request = call.request(message);
    let mut rows = call.app.services.queue.list_queue(request).await?.into_inner();
    // The first row is awaited, so that an error still gets its code.
    let first = rows.try_next().await?;
    let rows = stream::iter(first.map(Ok)).chain(rows).take(limit);
    Ok(typed(format.content_type(), Body::from_stream(body(rows, format, jobmeta))))
}

fn decode(call: &Call) -> Result<(ListQueueRequest, usize), Problem> {
    let params = &call.params;
    let count = params.rows("count")?;
    let request = ListQueueRequest {
        project: call.project()?,
        filter: Some(job_filter(call)?),
        skip: params.rows("start")?.unwrap_or_default(),
        // In the message 0 means the default, so `count=0` asks for one row and drops it.
        limit: count.map_or(0, |count| count.max(1)),
        stop: params.one("stop")?.unwrap_or_default().to_owned(),
        ..ListQueueRequest::default()
    };
    let limit = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    Ok((request, limit))
}

/// An error breaks the body off, which the client sees as an incomplete transfer.
fn body(
    rows: impl Stream<Item = Result<ListQueueResponse, Status>> + Send + 'static,
    format: ListFormat,
    jobmeta: Vec<String>,
) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
    let state = (rows.fuse().boxed(), Some(ListWriter::new(format)), jobmeta);
    stream::try_unfold(state, |(mut rows, writer, jobmeta)| async move {
        let Some(mut writer) = writer else { return Ok(None) };
        let mut next = rows.next().await;
        if next.is_none() {
            return Ok(Some((Bytes::from(writer.finish()), (rows, None, jobmeta))));
        }
        while let Some(response) = next {
            writer.row(&text(response?, &jobmeta)?);
            let has_room = writer.len() < MAX_CHUNK_BYTES;
            next = if has_room { rows.next().now_or_never().flatten() } else { None };
        }
        Ok(Some((Bytes::from(writer.take()), (rows, Some(writer), jobmeta))))
    })
}

fn text(response: ListQueueResponse, jobmeta: &[String]) -> Result<String, Status> {
    let job = required(response.job, "job").map_err(|bug| Status::internal(bug.into_message()))?;
    Ok(row(&job, response.elapsed.as_ref().map_or(0, duration_ms), jobmeta))
}
