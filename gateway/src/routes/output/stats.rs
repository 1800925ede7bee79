//! GET /items/P/S/J/stats, and of the other kinds → GetOutputStats.

use spiderq_proto::v1::{GetOutputStatsRequest, OutputKind, OutputStats};

use super::{StorageResult, kind, response::attempt};
use crate::{call::Call, errors::Problem, render::Object, responses::json};

/// Without `all`, fields that begin with `_` are not told.
pub(in crate::routes) async fn stats<const KIND: i32>(call: Call) -> StorageResult {
    let with_hidden = call.params.flag("all")?;
    let stats = read(&call, call.job_key()?, kind(KIND)).await?;
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

/// The fields of a job's lines, by name.
pub(super) async fn field_names(
    call: &Call,
    key: String,
    kind: OutputKind,
) -> Result<Vec<String>, Problem> {
    let stats = read(call, key, kind).await?;
    Ok(stats.counts.into_keys().collect())
}

/// Nothing of an output that has no lines.
async fn read(call: &Call, key: String, kind: OutputKind) -> Result<OutputStats, Problem> {
    let request = call.request(GetOutputStatsRequest { key, attempt: attempt(call)? });
    let stats = call.app.services.output.get_output_stats(request).await?.into_inner();
    let of_kind = stats.outputs.into_iter().find(|output| output.kind() == kind);
    Ok(of_kind.unwrap_or_default())
}
