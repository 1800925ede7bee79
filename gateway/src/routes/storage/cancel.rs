//! POST /jobq/P/S/J/cancel and /jobq/P/cancel → CancelJobs.

use spiderq_proto::v1::CancelJobsRequest;

use super::{BATCH, StorageResult, batch_id, json};
use crate::{
    call::Call,
    errors::{Problem, StorageError},
    lines::{Fields, entries},
    render::Object,
};

pub(in crate::routes) async fn cancel_one(call: Call) -> StorageResult {
    let keys = vec![call.key()];
    answered(send(&call, keys, 0, 0).await?)
}

pub(in crate::routes) async fn cancel(call: Call) -> StorageResult {
    let keys = entries(call.text()?)?.into_iter();
    let keys = keys.map(|entry| entry.fields.and_then(decode));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let accepted = "must be a positive integer";
    match call.params.number("count", accepted)? {
        Some(0) => Err(Problem::invalid("count", accepted).into()),
        Some(_) if !keys.is_empty() => {
            Err(Problem::invalid("count", "must not come with keys").into())
        }
        Some(count) => answered(send(&call, Vec::new(), count, 0).await?),
        None if keys.is_empty() => {
            Err(Problem::invalid("key", "is required in each line, or the parameter count").into())
        }
        None => {
            let mut count = 0;
            for (batch, keys) in keys.chunks(BATCH).enumerate() {
                count += send(&call, keys.to_vec(), 0, batch).await?;
            }
            answered(count)
        }
    }
}

fn decode(mut fields: Fields<'_>) -> Result<String, Problem> {
    let key = fields.text("key")?;
    key.ok_or_else(|| Problem::invalid("key", "is required, a job key like 123/1/2"))
}

async fn send(
    call: &Call,
    keys: Vec<String>,
    oldest_pending: u32,
    batch: usize,
) -> Result<i64, StorageError> {
    let request = call.request(CancelJobsRequest {
        project: call.project()?,
        keys,
        oldest_pending,
        request_id: batch_id(&call.request_id()?, batch),
    });
    let answer = call.app.services.queue.cancel_jobs(request).await?;
    Ok(answer.into_inner().count)
}

fn answered(count: i64) -> StorageResult {
    let mut body = Object::new();
    body.number("count", count);
    Ok(json(body.finish()))
}
