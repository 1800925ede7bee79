//! GET /jobs/P/S/J[/FIELD] → GetJob, GET /jobs/P/S/J/auth → GetJobToken.

use spiderq_proto::v1::{GetJobRequest, GetJobTokenRequest, Job};
use tonic::Code;

use super::{StorageResult, field};
use crate::{
    call::Call,
    errors::{StorageError, required},
    etag::typed_with_tag,
    list_format::ListWriter,
    render::{metadata, nullable, string},
    responses::{JSON, json},
};

/// A list of the one job, or of none.
pub(in crate::routes) async fn get(call: Call) -> StorageResult {
    let format = call.list_format()?;
    let mut list = ListWriter::new(format);
    if let Some(job) = job(&call).await? {
        list.row(&metadata::all(&job));
    }
    Ok(typed_with_tag(format.content_type(), &call.headers, list.finish()))
}

/// A field of a job that does not exist is `null`, as one that the job does not have.
pub(in crate::routes) async fn get_field(call: Call) -> StorageResult {
    let job = job(&call).await?;
    let body = nullable(job.map(|job| metadata::one(&job, field(&call))));
    Ok(typed_with_tag(JSON, &call.headers, body))
}

pub(in crate::routes) async fn token(call: Call) -> StorageResult {
    let request = call.request(GetJobTokenRequest { key: call.job_key()? });
    let response = call.app.services.jobs.get_job_token(request).await?;
    Ok(json(string(&response.into_inner().token)))
}

async fn job(call: &Call) -> Result<Option<Job>, StorageError> {
    let request = call.request(GetJobRequest { key: call.job_key()? });
    match call.app.services.jobs.get_job(request).await {
        Ok(response) => Ok(Some(required(response.into_inner().job, "job")?)),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status.into()),
    }
}
