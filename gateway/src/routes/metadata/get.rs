//! GET /jobs/P/S/J[/FIELD] → GetJob, GET /jobs/P/S/J/auth → GetJobToken.

use spiderq_proto::v1::{GetJobRequest, GetJobTokenRequest, Job};

use super::{StorageResult, field, json};
use crate::{
    call::Call,
    errors::StorageError,
    etag::tagged,
    render::{metadata, string},
};

pub(in crate::routes) async fn get(call: Call) -> StorageResult {
    let body = metadata::whole(&job(&call).await?);
    Ok(tagged(call.headers(), body))
}

pub(in crate::routes) async fn get_field(call: Call) -> StorageResult {
    let body = metadata::one(&job(&call).await?, field(&call));
    Ok(tagged(call.headers(), body))
}

pub(in crate::routes) async fn token(call: Call) -> StorageResult {
    let request = call.request(GetJobTokenRequest { key: call.key() });
    let answer = call.app.services.jobs.get_job_token(request).await?;
    Ok(json(string(&answer.into_inner().token)))
}

async fn job(call: &Call) -> Result<Job, StorageError> {
    let request = call.request(GetJobRequest { key: call.key() });
    let answer = call.app.services.jobs.get_job(request).await?;
    Ok(answer.into_inner().job.unwrap_or_default())
}
