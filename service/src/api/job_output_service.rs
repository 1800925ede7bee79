//! `JobOutputService`: what jobs put out.

use std::{future::Future, pin::Pin, sync::Arc};

use futures::{StreamExt as _, stream};
use spiderq_proto::{
    time::timestamp,
    v1::{self, job_output_service_server::JobOutputService},
};
use tonic::{Request, Response, Status, async_trait, codegen::BoxStream};

use super::{Handlers, RpcResult, decode, encode, fields::Fields};
use crate::{
    auth::Permit,
    domain::{AppendLines, Batch, LineFilter, OutputKind, OutputReading, ReadLines, Summary},
};
use spiderq_core::{
    error::{Error, Result},
    limits::{
        MAX_OUTPUT_BATCH_BYTES, MAX_OUTPUT_BATCH_LINES, MAX_OUTPUT_FILTER_BYTES,
        MAX_OUTPUT_LINE_BYTES, MAX_OUTPUT_TAIL, bytes_text,
    },
    model::{JobKey, Quota},
};

/// The gRPC service `spiderq.v1.JobOutputService`.
#[derive(Clone, Debug)]
pub struct OutputApi(pub(crate) Handlers);

#[async_trait]
impl JobOutputService for OutputApi {
    async fn append_output(
        &self,
        request: Request<v1::AppendOutputRequest>,
    ) -> RpcResult<v1::AppendOutputResponse> {
        self.0
            .run("AppendOutput", request, |call, message| async move {
                let next = call.domain.append_output(&call.caller, append(message)?).await?;
                Ok(v1::AppendOutputResponse { next_offset: encode::count(next) })
            })
            .await
    }

    async fn read_output(
        &self,
        request: Request<v1::ReadOutputRequest>,
    ) -> RpcResult<BoxStream<v1::ReadOutputResponse>> {
        let domain = Arc::clone(self.0.domain());
        let credentials = super::credentials(request.metadata().as_ref());
        let id = super::request_id(request.metadata().as_ref()).to_owned();
        let kind = if request.get_ref().follow { Quota::Watches } else { Quota::Calls };
        let key = request.get_ref().key.clone();
        let started = self
            .0
            .run_as(kind, "ReadOutput", request, |call, message| async move {
                let reading = call.domain.read_output(&call.caller, read(message)?).await?;
                Ok((reading, call.permit))
            })
            .await?;
        let (reading, permit) = started.into_inner();
        let key = JobKey::parse(&key).map_err(|error| super::status::of(&error))?;
        let refused = async move {
            let may = |caller: &crate::auth::Caller| caller.may_read(key);
            domain.auth().refused(credentials.as_ref(), may).await
        };
        let shutdown = reading.shutdown();
        let ended = async move {
            tokio::select! {
                () = shutdown => Error::ShuttingDown,
                error = refused => error,
            }
        };
        Ok(Response::new(stream(reading, Box::pin(ended), permit, id)))
    }

    async fn get_output_stats(
        &self,
        request: Request<v1::GetOutputStatsRequest>,
    ) -> RpcResult<v1::GetOutputStatsResponse> {
        self.0
            .run("GetOutputStats", request, |call, message| async move {
                let mut fields = Fields::default();
                let key = fields.field("key", JobKey::parse(&message.key));
                let attempt = fields.field("attempt", attempt(message.attempt));
                let (Some(key), Some(attempt)) = (key, attempt) else {
                    return Err(fields.into_error());
                };
                let found = call.domain.output_stats(&call.caller, key, attempt).await?;
                Ok(v1::GetOutputStatsResponse {
                    outputs: found.outputs.into_iter().map(stats).collect(),
                    attempt: number(found.attempt),
                })
            })
            .await
    }
}

/// Why the reading ends before its end.
type Ended = Pin<Box<dyn Future<Output = Error> + Send>>;

/// What a stream of responses is made of, and whether it has begun.
struct Sending {
    reading: OutputReading,
    ended: Ended,
    has_begun: bool,
    _permit: Arc<Permit>,
}

impl Sending {
    async fn next(&mut self) -> Result<Option<v1::ReadOutputResponse>> {
        if !std::mem::replace(&mut self.has_begun, true) {
            let next = self.reading.next_offset();
            return Ok(Some(self.response(Batch { next, ..Batch::default() })));
        }
        let batch = tokio::select! {
            error = &mut self.ended => return Err(error),
            batch = self.reading.next() => batch?,
        };
        Ok(batch.map(|batch| self.response(batch)))
    }

    fn response(&self, batch: Batch) -> v1::ReadOutputResponse {
        v1::ReadOutputResponse {
            lines: batch.lines,
            offsets: batch.offsets.into_iter().map(encode::count).collect(),
            next_offset: encode::count(batch.next),
            attempt: number(self.reading.attempt()),
        }
    }
}

/// Reads on only when the response before was taken.
fn stream(
    reading: OutputReading,
    ended: Ended,
    permit: Arc<Permit>,
    request_id: String,
) -> BoxStream<v1::ReadOutputResponse> {
    let sending = Sending { reading, ended, has_begun: false, _permit: permit };
    let responses = stream::try_unfold(sending, async |mut sending: Sending| {
        let response = sending.next().await?;
        Ok::<_, Error>(response.map(|response| (response, sending)))
    });
    let refuse = move |error| -> Status { super::refuse("ReadOutput", &request_id, &error) };
    responses.map(move |response| response.map_err(&refuse)).boxed()
}

fn append(message: v1::AppendOutputRequest) -> Result<AppendLines> {
    let mut fields = Fields::default();
    let key = fields.field("key", JobKey::parse(&message.key));
    let kind = fields.field("kind", kind(message.kind));
    let fence = fields.field("fence", decode::fence(&message.fence));
    let start = decode::not_negative("start_offset", message.start_offset);
    let start = fields.field("start_offset", start);
    let (Some(key), Some(kind), Some(fence), Some(start)) = (key, kind, fence, start) else {
        return Err(fields.into_error());
    };
    check_lines(&message.lines)?;
    Ok(AppendLines { key, kind, fence, start, lines: message.lines })
}

fn check_lines(lines: &[bytes::Bytes]) -> Result<()> {
    if lines.len() > MAX_OUTPUT_BATCH_LINES {
        let message = format!("at most {MAX_OUTPUT_BATCH_LINES} in one call");
        return Err(Error::too_large("lines", message));
    }
    if let Some(index) = lines.iter().position(|line| line.len() > MAX_OUTPUT_LINE_BYTES) {
        let message = format!("must be at most {} each", bytes_text(MAX_OUTPUT_LINE_BYTES));
        return Err(Error::too_large("lines", message).at(&format!("lines[{index}]")));
    }
    if lines.iter().map(bytes::Bytes::len).sum::<usize>() > MAX_OUTPUT_BATCH_BYTES {
        let message = format!("must be at most {} in all", bytes_text(MAX_OUTPUT_BATCH_BYTES));
        return Err(Error::too_large("lines", message));
    }
    Ok(())
}

fn read(message: v1::ReadOutputRequest) -> Result<ReadLines> {
    let mut fields = Fields::default();
    let key = fields.field("key", JobKey::parse(&message.key));
    let kind = fields.field("kind", kind(message.kind));
    let attempt = fields.field("attempt", attempt(message.attempt));
    let start = decode::not_negative("start_offset", message.start_offset);
    let start = fields.field("start_offset", start);
    let tail = fields.field("tail", tail(message.tail));
    let limit = fields.field("limit", decode::not_negative("limit", message.limit));
    let filter = kind.and_then(|kind| fields.part(filter(kind, &message)));
    let (Some(key), Some(kind), Some(attempt), Some(start)) = (key, kind, attempt, start) else {
        return Err(fields.into_error());
    };
    let (Some(tail), Some(limit), Some(filter)) = (tail, limit, filter) else {
        return Err(fields.into_error());
    };
    let some = |number: u64| Some(number).filter(|number| *number > 0);
    let (tail, limit, follow) = (some(tail), some(limit), message.follow);
    Ok(ReadLines { key, kind, attempt, start, tail, limit, filter, follow })
}

fn filter(kind: OutputKind, message: &v1::ReadOutputRequest) -> Result<LineFilter> {
    for (name, text) in [("contains", &message.contains), ("regex", &message.regex)] {
        if text.len() > MAX_OUTPUT_FILTER_BYTES {
            let message = format!("must be at most {MAX_OUTPUT_FILTER_BYTES} bytes");
            return Err(Error::invalid(name, message));
        }
    }
    LineFilter::new(kind, message.min_level.into(), &message.contains, &message.regex)
}

fn tail(number: i64) -> Result<u64> {
    let lines = decode::not_negative("tail", number)?;
    if lines > MAX_OUTPUT_TAIL {
        return Err(Error::invalid("tail", format!("must be at most {MAX_OUTPUT_TAIL}")));
    }
    Ok(lines)
}

fn attempt(number: Option<i32>) -> Result<Option<u32>> {
    let bad = |_| Error::invalid("attempt", "must not be negative");
    number.map(|number| u32::try_from(number).map_err(bad)).transpose()
}

fn kind(number: i32) -> Result<OutputKind> {
    let bad = || Error::invalid("kind", "must be logs, items, requests or samples");
    Ok(match v1::OutputKind::try_from(number).map_err(|_| bad())? {
        v1::OutputKind::Unspecified => return Err(bad()),
        v1::OutputKind::Logs => OutputKind::Logs,
        v1::OutputKind::Items => OutputKind::Items,
        v1::OutputKind::Requests => OutputKind::Requests,
        v1::OutputKind::Samples => OutputKind::Samples,
    })
}

const fn proto_kind(kind: OutputKind) -> v1::OutputKind {
    match kind {
        OutputKind::Logs => v1::OutputKind::Logs,
        OutputKind::Items => v1::OutputKind::Items,
        OutputKind::Requests => v1::OutputKind::Requests,
        OutputKind::Samples => v1::OutputKind::Samples,
    }
}

fn stats((kind, sum): (OutputKind, Summary)) -> v1::OutputStats {
    v1::OutputStats {
        kind: proto_kind(kind).into(),
        lines: encode::count(sum.lines),
        bytes: encode::count(sum.bytes),
        counts: sum.counts.into_iter().map(|(name, n)| (name, encode::count(n))).collect(),
        first_time: sum.first_time.map(timestamp),
        last_time: sum.last_time.map(timestamp),
    }
}

fn number(attempt: u32) -> i32 {
    attempt.try_into().unwrap_or(i32::MAX)
}
