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

/// An error breaks the body off, behind the rows before it; the client sees an incomplete transfer.
fn body(
    rows: impl Stream<Item = Result<ListQueueResponse, Status>> + Send + 'static,
    format: ListFormat,
    jobmeta: Vec<String>,
) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
    let rows = Box::pin(rows.map(move |response| text(response?, &jobmeta)).peekable());
    let state = (rows, Some(ListWriter::new(format)));
    stream::try_unfold(state, |(mut rows, writer)| async move {
        let Some(mut writer) = writer else { return Ok(None) };
        let Some(first) = rows.next().await else {
            return Ok(Some((Bytes::from(writer.finish()), (rows, None))));
        };
        writer.row(&first?);
        while writer.len() < MAX_CHUNK_BYTES
            && let Some(Some(row)) = rows.as_mut().next_if(Result::is_ok).now_or_never()
        {
            writer.row(&row?);
        }
        Ok(Some((Bytes::from(writer.take()), (rows, Some(writer)))))
    })
}

fn text(response: ListQueueResponse, jobmeta: &[String]) -> Result<String, Status> {
    let job = required(response.job, "job").map_err(|bug| Status::internal(bug.into_message()))?;
    Ok(row(&job, response.elapsed.as_ref().map_or(0, duration_ms), jobmeta))
}

#[cfg(test)]
mod tests {
    use spiderq_proto::v1::{Job, JobState};

    use super::*;

    #[tokio::test]
    async fn rows_before_an_error_are_sent_before_it() {
        let row = |key: &str| {
            let state = JobState::Finished.into();
            let job = Job { key: key.to_owned(), state, ..Job::default() };
            Ok(ListQueueResponse { job: Some(job), ..ListQueueResponse::default() })
        };
        let rows = [row("1/1/3"), row("1/1/2"), Err(Status::data_loss("damaged"))];
        let body = body(stream::iter(rows), ListFormat::JsonLines, vec!["key".to_owned()]);
        let chunks: Vec<_> = body.collect().await;
        let [Ok(sent), Err(error)] = &chunks[..] else { panic!("{chunks:?}") };
        let line = |key| format!(r#"{{"key":"{key}","ts":0,"state":"finished","elapsed":0}}"#);
        assert_eq!(sent, &format!("{}\n{}\n", line("1/1/3"), line("1/1/2")));
        assert_eq!(error.message(), "damaged");
    }
}
