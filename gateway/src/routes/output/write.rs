//! POST /items/P/S/J?start=N, and of the other kinds → AppendOutput, in calls of about 1 MiB, as the
//! body arrives. Where one is refused, what came before it is stored; a client that sends the body
//! again stores nothing twice.

use http::{HeaderMap, header::CONTENT_RANGE};
use spiderq_proto::v1::AppendOutputRequest;

use super::{StorageResult, kind};
use crate::{
    accepted_values, body,
    call::{Call, Upload},
    errors::Problem,
    output::{
        body_lines::{Batch, BodyLines},
        position,
    },
    render::Object,
    responses::json,
};

/// The body, the lines that are cut of it, and the copy for the store.
const COPIES: usize = 3;

pub(in crate::routes) async fn write<const KIND: i32>(mut upload: Upload) -> StorageResult {
    let call = &upload.call;
    let kind = kind(KIND);
    let mut target = AppendOutputRequest {
        key: call.job_key()?,
        kind: kind.into(),
        fence: call.params.one("fence")?.unwrap_or_default().to_owned(),
        start_offset: start(call)?,
        lines: Vec::new(),
    };
    let mut lines = BodyLines::new(kind);
    while let Some(piece) = upload.pieces.next().await? {
        let needed = COPIES * (lines.bytes() + piece.len());
        let more = needed.saturating_sub(upload.memory.bytes());
        body::reserve(&mut upload.memory, more).await?;
        lines.add(&piece)?;
        if lines.has_batch() {
            append(&upload.call, &mut target, lines.take()).await?;
        }
    }
    upload.end();
    lines.end()?;
    // A body without lines is a call, too: the service checks who calls and about what.
    let next = append(&upload.call, &mut target, lines.take()).await?;
    let mut body = Object::new();
    body.number("next_offset", next);
    Ok(json(body.finish()))
}

/// Appends a batch, and moves `target` behind it. Returns where the output ends.
async fn append(
    call: &Call,
    target: &mut AppendOutputRequest,
    batch: Batch,
) -> Result<i64, Problem> {
    let count = i64::try_from(batch.lines.len()).unwrap_or(i64::MAX);
    let request = call.request(AppendOutputRequest { lines: batch.lines, ..target.clone() });
    match call.app.services.output.append_output(request).await {
        Ok(response) => {
            target.start_offset = target.start_offset.saturating_add(count);
            Ok(response.into_inner().next_offset)
        }
        Err(status) => Err(Problem::from(status).naming_line(&batch.numbers)),
    }
}

/// Offset of the first line: `start`, or a `Content-Range` of the form `items 500-/*`, or 0.
fn start(call: &Call) -> Result<i64, Problem> {
    match call.params.one("start")? {
        Some(_) => position::first_offset(&call.params, &call.job_key()?),
        None => content_range(&call.headers),
    }
}

fn content_range(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(value) = headers.get(CONTENT_RANGE) else { return Ok(0) };
    let text = value.to_str().unwrap_or_default();
    let range = text.split_once(' ').map_or(text, |(_unit, range)| range);
    let first = range.split('-').next().and_then(|first| first.trim().parse::<u32>().ok());
    first
        .map(i64::from)
        .ok_or_else(|| Problem::invalid("Content-Range", accepted_values::CONTENT_RANGE))
}
