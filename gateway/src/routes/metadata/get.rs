//! GET /jobs/P/S/J[/FIELD] → GetJob, GET /jobs/P/S/J/auth → GetJobToken.

use spiderq_proto::v1::{GetJobRequest, GetJobTokenRequest, Job};

use super::{StorageResult, field};
use crate::{
    call::Call,
    errors::{StorageError, required},
    etag::json_with_tag,
    render::{metadata, string},
    responses::json,
};

pub(in crate::routes) async fn get(call: Call) -> StorageResult {
    let body = metadata::all(&job(&call).await?);
    Ok(json_with_tag(&call.headers, body))
}

pub(in crate::routes) async fn get_field(call: Call) -> StorageResult {
    let body = metadata::one(&job(&call).await?, field(&call));
    Ok(json_with_tag(&call.headers, body))
}

pub(in crate::routes) async fn token(call: Call) -> StorageResult {
    let request = call.request(GetJobTokenRequest { key: call.job_key()? });
    let response = call.app.services.jobs.get_job_token(request).await?;
    Ok(json(string(&response.into_inner().token)))
}

async fn job(call: &Call) -> Result<Job, StorageError> {
    let request = call.request(GetJobRequest { key: call.job_key()? });
    let response = call.app.services.jobs.get_job(request).await?;
    Ok(required(response.into_inner().job, "job")?)
}
