//! POST /items/P/S/J?start=N, and of the other kinds → AppendOutput, in calls of about 1 MiB, as the
//! body arrives. Where one is refused, what came before it is stored; a client that sends the body
//! again stores nothing twice.

use axum::response::IntoResponse as _;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_RANGE, USER_AGENT},
};
use spiderq_proto::v1::{AppendOutputRequest, OutputKind};
use tonic::Status;
use tonic_types::StatusExt as _;

use super::{StorageResult, kind};
use crate::{
    accepted_values, body,
    call::{Call, Upload},
    errors::{Problem, StorageError},
    output::{
        body_lines::{Batch, BodyLines},
        position,
    },
    render::Object,
    responses::json,
};

/// The body, the lines that are cut of it, and the copy for the store.
const COPIES: usize = 3;

/// How the official client's writer names itself, at the beginning of `User-Agent`. It sends a batch
/// again after any code from 400 on, for about 30 hours, and its caller waits for that. A batch that
/// got a code from 300 to 399 it drops with a warning that shows the body.
const WRITER: &[u8] = b"python-scrapinghub/";
/// What that writer gets in place of a refusal that will stay one.
const DROP_IT: StatusCode = StatusCode::MULTIPLE_CHOICES;

pub(in crate::routes) async fn write<const KIND: i32>(mut upload: Upload) -> StorageResult {
    let refused = match append_all(&mut upload, kind(KIND)).await {
        Ok(next_offset) => {
            let mut body = Object::new();
            body.number("next_offset", next_offset);
            return Ok(json(body.finish()));
        }
        Err(refused) => refused,
    };
    let agent = upload.call.headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
    if !refused.is_final || !agent.starts_with(WRITER) {
        return Err(refused.problem.into());
    }
    let mut response = StorageError::from(refused.problem).into_response();
    *response.status_mut() = DROP_IT;
    Ok(response)
}

/// Why an upload was refused.
struct Refused {
    problem: Problem,
    /// Whether the same request would be refused again.
    is_final: bool,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { is_final: problem.is_final(), problem }
    }
}

async fn append_all(upload: &mut Upload, kind: OutputKind) -> Result<i64, Refused> {
    let call = &upload.call;
    let mut target = AppendOutputRequest {
        key: call.job_key()?,
        kind: kind.into(),
        fence: fence(call)?,
        start_offset: start(call)?,
        lines: Vec::new(),
    };
    let mut lines = BodyLines::new(kind);
    while let Some(piece) = upload.pieces.next().await? {
        let needed = COPIES * (lines.held_bytes() + piece.len());
        let more = needed.saturating_sub(upload.memory.bytes());
        body::reserve(&mut upload.memory, more).await?;
        lines.add(&piece)?;
        while lines.has_batch() {
            append(&upload.call, &mut target, lines.take()).await?;
        }
    }
    upload.end();
    lines.end()?;
    // A body without lines is a call, too: the service checks who calls and about what.
    loop {
        let next_offset = append(&upload.call, &mut target, lines.take()).await?;
        if lines.is_empty() {
            return Ok(next_offset);
        }
    }
}

/// Appends a batch, and moves `target` behind it. Returns where the output ends.
async fn append(
    call: &Call,
    target: &mut AppendOutputRequest,
    batch: Batch,
) -> Result<i64, Refused> {
    let count = i64::try_from(batch.lines.len()).unwrap_or(i64::MAX);
    let request = call.request(AppendOutputRequest { lines: batch.lines, ..target.clone() });
    match call.app.services.output.append_output(request).await {
        Ok(response) => {
            target.start_offset = target.start_offset.saturating_add(count);
            Ok(response.into_inner().next_offset)
        }
        Err(status) => {
            let may_start = is_pending(&status);
            let problem = Problem::from(status).naming_line(&batch.numbers);
            Err(Refused { is_final: problem.is_final() && !may_start, problem })
        }
    }
}

/// Whether the job is refused because it does not run yet.
fn is_pending(status: &Status) -> bool {
    let info = status.get_details_error_info();
    info.is_some_and(|info| info.metadata.get("state").is_some_and(|state| state == "pending"))
}

/// `fence`. In the message no text means that none is given.
fn fence(call: &Call) -> Result<String, Problem> {
    match call.params.one("fence")? {
        Some("") => Err(Problem::invalid("fence", accepted_values::NOT_EMPTY)),
        fence => Ok(fence.unwrap_or_default().to_owned()),
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
