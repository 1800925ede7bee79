//! GET /items/P/S/J/stats, and of the other kinds → GetOutputStats.

use spiderq_proto::v1::{GetOutputStatsRequest, OutputKind, OutputStats};
use tonic::{Code, Status};

use super::{StorageResult, kind, response::attempt};
use crate::{call::Call, errors::Problem, render::Object, responses::json};

/// Without `all`, fields that begin with `_` are not told.
pub(in crate::routes) async fn stats<const KIND: i32>(call: Call) -> StorageResult {
    let with_hidden = call.params.flag("all")?;
    let stats = read(&call, call.job_key()?, attempt(&call)?, kind(KIND)).await?;
    let (mut counts, mut totals, mut body) = (Object::new(), Object::new(), Object::new());
    for (name, count) in &stats.counts {
        if with_hidden || !name.starts_with('_') {
            counts.number(name, *count);
        }
    }
    totals.number("input_bytes", stats.bytes).number("input_values", stats.lines);
    body.raw("counts", &counts.finish()).raw("totals", &totals.finish());
    Ok(json(body.finish()))
}

/// The fields of a job's lines, by name; none of a job that does not exist.
pub(super) async fn field_names(
    call: &Call,
    key: String,
    kind: OutputKind,
) -> Result<Vec<String>, Problem> {
    match read(call, key, attempt(call)?, kind).await {
        Ok(stats) => Ok(stats.counts.into_keys().collect()),
        Err(status) if status.code() == Code::NotFound => Ok(Vec::new()),
        Err(status) => Err(status.into()),
    }
}

/// Nothing of an output that has no lines.
async fn read(
    call: &Call,
    key: String,
    attempt: Option<i32>,
    kind: OutputKind,
) -> Result<OutputStats, Status> {
    let request = call.request(GetOutputStatsRequest { key, attempt });
    let stats = call.app.services.output.get_output_stats(request).await?.into_inner();
    let of_kind = stats.outputs.into_iter().find(|output| output.kind() == kind);
    Ok(of_kind.unwrap_or_default())
}
