//! GET /items/P/S/J[/N[/FIELD]], and of the other kinds → ReadOutput: one call, or with `index` one
//! for each run of lines that follow each other.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt as _;
use serde_json::value::RawValue;
use spiderq_proto::v1::{OutputKind, ReadOutputRequest};
use tonic::Code;

use super::{
    StorageResult, kind,
    response::{Source, Wanted, attempt, respond},
    stats::field_names,
};
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    output::{filter::Filter, format::Format, position},
    render::nullable,
    responses::json,
};

/// The lines of a job.
pub(in crate::routes) async fn rows<const KIND: i32>(call: Call) -> StorageResult {
    let (kind, key) = (kind(KIND), call.job_key()?);
    let first = position::first_offset(&call.params, &key)?;
    let source = match position::indexed(&call.params)? {
        None => Source::from(key, first),
        Some(runs) => {
            let runs: Vec<_> = runs.into_iter().map(|(at, length)| (at, Some(length))).collect();
            Source::Job { key, runs: runs.into_iter() }
        }
    };
    let wanted = Wanted {
        kind,
        source,
        filter: Filter::of(kind, &call.params)?,
        count: call.params.rows("count")?,
        tail: 0,
        format: format(&call, kind).await?,
    };
    Ok(respond(call, wanted).await?)
}

/// The format. A table of items needs columns: where the request names none, they are the fields
/// that the service has counted.
pub(super) async fn format(call: &Call, kind: OutputKind) -> Result<Format, Problem> {
    let mut format = Format::negotiate(kind, &call.params, &call.headers)?;
    name_columns(call, kind, call.job_key()?, &mut format).await?;
    Ok(format)
}

/// Names the columns of a table that has none.
pub(super) async fn name_columns(
    call: &Call,
    kind: OutputKind,
    key: String,
    format: &mut Format,
) -> Result<(), Problem> {
    if let Format::Csv(csv) = format
        && csv.fields.is_empty()
    {
        csv.fields = field_names(call, key, kind).await?;
    }
    Ok(())
}

/// One line of a job: a list of one, or of none.
pub(in crate::routes) async fn row<const KIND: i32>(call: Call) -> StorageResult {
    let (kind, key, index) = (kind(KIND), call.job_key()?, index(&call)?);
    let runs = vec![(index, Some(1))].into_iter();
    let wanted = Wanted {
        kind,
        source: Source::Job { key, runs },
        filter: Filter::default(),
        count: None,
        tail: 0,
        format: format(&call, kind).await?,
    };
    Ok(respond(call, wanted).await?)
}

/// The value of a field of one line, `null` where there is none.
pub(in crate::routes) async fn field<const KIND: i32>(call: Call) -> StorageResult {
    let request = call.request(ReadOutputRequest {
        key: call.job_key()?,
        kind: kind(KIND).into(),
        attempt: attempt(&call)?,
        start_offset: index(&call)?,
        limit: 1,
        ..ReadOutputRequest::default()
    });
    let name = call.part("field")?;
    let mut pages = match call.app.services.output.read_output(request).await {
        Ok(pages) => pages.into_inner(),
        Err(status) if status.code() == Code::NotFound => return Ok(json(nullable(None))),
        Err(status) => return Err(status.into()),
    };
    while let Some(page) = pages.try_next().await? {
        if let Some(line) = page.lines.first() {
            return Ok(json(nullable(value(line, name))));
        }
    }
    Ok(json(nullable(None)))
}

/// The text of the field as it was written.
fn value(line: &Bytes, name: &str) -> Option<String> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_slice(line).ok()?;
    fields.remove(name).map(|value| value.get().to_owned())
}

fn index(call: &Call) -> Result<i64, Problem> {
    let text = call.part("index")?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| Problem::invalid("index", accepted_values::NOT_NEGATIVE))
}
