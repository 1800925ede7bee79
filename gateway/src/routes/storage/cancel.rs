//! POST /jobq/P/S/J/cancel and /jobq/P/cancel → CancelJobs.

use spiderq_proto::v1::{CancelJobsRequest, JobFilter, cancel_jobs_request::Selection};

use super::{
    StorageResult,
    batches::{Batch, batches},
};
use crate::{
    accepted_values,
    call::Call,
    errors::{Problem, StorageError},
    json_fields::Fields,
    json_lines::entries,
    render::Object,
    responses::json,
};

pub(in crate::routes) async fn cancel_one(call: Call) -> StorageResult {
    let keys = vec![call.job_key()?];
    cancel_by_key(&call, keys).await
}

/// Either the jobs of the body, or so many of the oldest pending ones as `count` says.
pub(in crate::routes) async fn cancel(call: Call) -> StorageResult {
    let keys = entries(call.text()?)?.into_iter();
    let keys = keys.map(|entry| entry.fields.and_then(decode));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    match (call.params.number_32("count", accepted_values::POSITIVE)?, keys.is_empty()) {
        (Some(0), _) => Err(Problem::invalid("count", accepted_values::POSITIVE).into()),
        (Some(_), false) => Err(Problem::invalid("count", "must not come with keys").into()),
        (Some(count), true) => {
            let message = CancelJobsRequest {
                selection: Some(Selection::OldestPending(count)),
                request_id: call.idempotency_key()?,
                ..CancelJobsRequest::default()
            };
            Ok(response(send(&call, message).await?))
        }
        (None, true) => {
            Err(Problem::invalid("key", "is required in each line, or the parameter count").into())
        }
        (None, false) => cancel_by_key(&call, keys).await,
    }
}

fn decode(mut fields: Fields<'_>) -> Result<String, Problem> {
    let key = fields.take_string("key")?;
    key.ok_or_else(|| Problem::invalid("key", accepted_values::JOB_KEY))
}

async fn cancel_by_key(call: &Call, keys: Vec<String>) -> StorageResult {
    let mut count = 0;
    for Batch { items: keys, request_id, .. } in batches(keys, &call.idempotency_key()?) {
        let selection = Some(Selection::Filter(JobFilter { keys, ..JobFilter::default() }));
        let message = CancelJobsRequest { selection, request_id, ..Default::default() };
        count += send(call, message).await?;
    }
    Ok(response(count))
}

async fn send(call: &Call, message: CancelJobsRequest) -> Result<i64, StorageError> {
    let project = call.project()?;
    let request = call.request(CancelJobsRequest { project, ..message });
    Ok(call.app.services.queue.cancel_jobs(request).await?.into_inner().count)
}

fn response(count: i64) -> axum::response::Response {
    let mut body = Object::new();
    body.number("count", count);
    json(body.finish())
}
