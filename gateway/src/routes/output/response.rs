//! Lines as they are read, in the format that the client asks for. A page of about 1 MiB is in
//! memory at a time: the next is read once the client has taken it.

use std::vec;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::{StreamExt as _, stream, stream::BoxStream};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE},
};
use spiderq_proto::v1::{OutputKind, ReadOutputRequest, ReadOutputResponse};
use tonic::{Code, Status};

use super::byte_range::{self, ByteRange};
use crate::{
    call::Call,
    errors::Problem,
    output::{
        Row,
        filter::Filter,
        format::{Format, Writer},
        meta::Shown,
        position::Position,
    },
    responses::typed,
};

/// What is to be read.
#[derive(Clone)]
pub(super) enum Source {
    /// Runs of lines of one job: their first offsets and, if they have one, their lengths.
    Job { key: String, runs: vec::IntoIter<(i64, Option<i64>)> },
    /// All lines of these jobs of a project, from the offset of each on.
    Jobs { project: i64, jobs: vec::IntoIter<Position> },
}

impl Source {
    /// All lines of a job from `first` on.
    pub(super) fn from(key: String, first: i64) -> Self {
        Self::Job { key, runs: vec![(first, None)].into_iter() }
    }

    fn next(&mut self) -> Option<(String, i64, Option<i64>)> {
        match self {
            Self::Job { key, runs } => {
                let (first, length) = runs.next()?;
                Some((key.clone(), first, length))
            }
            Self::Jobs { project, jobs } => {
                let (spider, job, first) = jobs.next()?;
                Some((format!("{project}/{spider}/{job}"), first, None))
            }
        }
    }
}

/// Which lines, and how they are shown.
pub(super) struct Wanted {
    pub(super) kind: OutputKind,
    pub(super) source: Source,
    pub(super) filter: Filter,
    /// How many lines at most; `None`: all.
    pub(super) count: Option<i64>,
    /// Just the last so many; 0: all.
    pub(super) tail: i64,
    pub(super) format: Format,
}

/// Sends the lines, or the part of them that `Range` asks for. The beginning is awaited, so that an
/// error still gets its code.
pub(super) async fn respond(call: Call, wanted: Wanted) -> Result<Response, Problem> {
    let shown = Shown::of(&call.params)?;
    let attachment = attachment(&call)?;
    let Wanted { kind, source, filter, count, tail, format } = wanted;
    let content_type = format.content_type();
    // Jobs come and go in a list of many. The order of both ends differs where `tail` is.
    let has_parts = format.only_grows() && matches!(source, Source::Job { .. }) && tail == 0;
    let range = ByteRange::of(&call.headers).filter(|_| has_parts);
    let writer = || Writer::new(kind, format.clone(), shown.clone());
    let template = template(&call, kind, tail)?;
    let mut lines = Lines { call, template, source, filter, left: count, open: None };
    let mut response = match range {
        None => {
            let first = lines.next().await?;
            typed(content_type, Body::from_stream(body(lines, writer(), first)))
        }
        Some(range) => part_of(lines, writer, range, content_type).await?,
    };
    let headers = response.headers_mut();
    if has_parts {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    if let Some(attachment) = attachment {
        headers.insert(CONTENT_DISPOSITION, attachment);
    }
    Ok(response)
}

/// What a request for a part gets. How long all is, only those know who have written it once.
async fn part_of(
    mut lines: Lines,
    writer: impl Fn() -> Writer,
    range: ByteRange,
    content_type: &'static str,
) -> Result<Response, Problem> {
    let (source, filter, left) = (lines.source.clone(), lines.filter.clone(), lines.left);
    let mut counted = writer();
    let mut total = 0;
    while let Some(page) = lines.next().await? {
        lines.write(&page, &mut counted);
        total += counted.take().len() as u64;
    }
    total += counted.finish().len() as u64;
    let part = range.within(total);
    let content_range = byte_range::content_range(part.as_ref(), total);
    let Some(part) = part else {
        let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
        response.headers_mut().insert(CONTENT_RANGE, content_range);
        return Ok(response);
    };
    (lines.source, lines.filter, lines.left) = (source, filter, left);
    let length = part.end - part.start;
    let mut response =
        typed(content_type, Body::from_stream(byte_range::part(body(lines, writer(), None), part)));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let headers = response.headers_mut();
    headers.insert(CONTENT_RANGE, content_range);
    headers.insert(CONTENT_LENGTH, length.into());
    Ok(response)
}

/// What all calls of a request have in common. `attempt` and `regex` are passed on.
fn template(call: &Call, kind: OutputKind, tail: i64) -> Result<ReadOutputRequest, Problem> {
    Ok(ReadOutputRequest {
        kind: kind.into(),
        attempt: attempt(call)?,
        tail,
        regex: call.params.one("regex")?.unwrap_or_default().to_owned(),
        ..ReadOutputRequest::default()
    })
}

/// `attempt`.
pub(super) fn attempt(call: &Call) -> Result<Option<i32>, Problem> {
    let attempt = call.params.rows("attempt")?;
    Ok(attempt.map(|attempt| i32::try_from(attempt).unwrap_or(i32::MAX)))
}

/// `saveas`: the name of the file that a browser keeps.
fn attachment(call: &Call) -> Result<Option<HeaderValue>, Problem> {
    let Some(name) = call.params.one("saveas")? else { return Ok(None) };
    let is_plain = |character: char| character.is_ascii_graphic() && !"\"\\/;%".contains(character);
    let header = name.chars().all(|character| character == ' ' || is_plain(character));
    let header = header.then(|| HeaderValue::try_from(format!("attachment; filename=\"{name}\"")));
    match header {
        Some(Ok(header)) if !name.trim().is_empty() => Ok(Some(header)),
        _ => Err(Problem::invalid("saveas", "must be the name of a file, in ASCII")),
    }
}

/// An error breaks the body off, which the client sees as an incomplete transfer.
fn body(
    lines: Lines,
    writer: Writer,
    first: Option<Page>,
) -> impl futures::Stream<Item = Result<Bytes, Status>> + Send + 'static {
    let state = (lines, Some(writer), first);
    stream::try_unfold(state, |(mut lines, writer, first)| async move {
        let Some(mut writer) = writer else { return Ok(None) };
        let mut next = match first {
            Some(page) => Some(page),
            None => lines.next().await?,
        };
        while let Some(page) = next {
            lines.write(&page, &mut writer);
            if writer.len() > 0 {
                return Ok(Some((Bytes::from(writer.take()), (lines, Some(writer), None))));
            }
            next = lines.next().await?;
        }
        Ok(Some((Bytes::from(writer.finish()), (lines, None, None))))
    })
}

/// Lines of a job.
struct Page {
    job: String,
    lines: ReadOutputResponse,
}

struct Open {
    job: String,
    pages: BoxStream<'static, Result<ReadOutputResponse, Status>>,
}

/// The lines of all that is to be read, page by page.
struct Lines {
    call: Call,
    template: ReadOutputRequest,
    source: Source,
    filter: Filter,
    /// How many lines may still be shown.
    left: Option<i64>,
    open: Option<Open>,
}

impl Lines {
    /// The next page, which may have no lines; `None` at the end.
    async fn next(&mut self) -> Result<Option<Page>, Status> {
        loop {
            if let Some(open) = &mut self.open {
                match open.pages.next().await.transpose()? {
                    Some(lines) => return Ok(Some(Page { job: open.job.clone(), lines })),
                    None => self.open = None,
                }
            }
            let Some((job, first, length)) = self.source.next() else { return Ok(None) };
            let request = self.call.request(self.request(&job, first, length));
            match self.call.app.services.output.read_output(request).await {
                Ok(pages) => self.open = Some(Open { job, pages: pages.into_inner().boxed() }),
                // It has no lines: it never was, or it was removed since the jobs were listed.
                Err(status) if status.code() == Code::NotFound => {}
                Err(status) => return Err(status),
            }
        }
    }

    fn request(&self, job: &str, first: i64, length: Option<i64>) -> ReadOutputRequest {
        let mut request =
            ReadOutputRequest { key: job.to_owned(), start_offset: first, ..self.template.clone() };
        self.filter.add_to(&mut request);
        // In the message 0 means all, so `count=0` asks for one line and drops it.
        let left = self.left.filter(|_| self.filter.is_for_service()).map(|left| left.max(1));
        request.limit = left.into_iter().chain(length).min().unwrap_or_default();
        request
    }

    fn write(&mut self, page: &Page, writer: &mut Writer) {
        let kind = self.template.kind();
        for (line, offset) in page.lines.lines.iter().zip(&page.lines.offsets) {
            if self.left == Some(0) {
                break;
            }
            if self.filter.holds(line) {
                writer.row(&Row { kind, job: &page.job, offset: *offset, line });
                self.left = self.left.map(|left| left - 1);
            }
        }
        if self.left == Some(0) {
            self.open = None;
            self.source = Source::Jobs { project: 0, jobs: Vec::new().into_iter() };
        }
    }
}
