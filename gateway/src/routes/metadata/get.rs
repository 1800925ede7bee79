//! GET /jobs/P/S/J[/FIELD] → GetJob, GET /jobs/P/S/J/auth → GetJobToken.

use spiderq_core::HeldMemory;
use spiderq_proto::v1::{GetJobRequest, GetJobTokenRequest, Job};
use tonic::Code;

use super::{StorageResult, field};
use crate::{
    call::Call,
    errors::{StorageError, required},
    etag::typed_with_tag,
    list_format::ListWriter,
    render::{metadata, nullable, string},
    responses::{JSON, holding, json, take_held},
};

/// A list of the one job, or of none.
pub(in crate::routes) async fn get(call: Call) -> StorageResult {
    let format = call.list_format()?;
    let mut list = ListWriter::new(format);
    let (job, held) = job(&call).await?;
    if let Some(job) = job {
        list.row(&metadata::all(&job));
    }
    let response = typed_with_tag(format.content_type(), &call.headers, list.finish());
    Ok(holding(response, held))
}

/// A field of a job that does not exist is `null`, as one that the job does not have.
pub(in crate::routes) async fn get_field(call: Call) -> StorageResult {
    let (job, held) = job(&call).await?;
    let body = nullable(job.map(|job| metadata::one(&job, field(&call))));
    Ok(holding(typed_with_tag(JSON, &call.headers, body), held))
}

pub(in crate::routes) async fn token(call: Call) -> StorageResult {
    let request = call.request(GetJobTokenRequest { key: call.job_key()? });
    let response = call.app.services.jobs.get_job_token(request).await?;
    Ok(json(string(&response.into_inner().token)))
}

async fn job(call: &Call) -> Result<(Option<Job>, Option<HeldMemory>), StorageError> {
    let request = call.request(GetJobRequest { key: call.job_key()? });
    match call.app.services.jobs.get_job(request).await {
        Ok(response) => {
            let (response, held) = take_held(response);
            Ok((Some(required(response.job, "job")?), held))
        }
        Err(status) if status.code() == Code::NotFound => Ok((None, None)),
        Err(status) => Err(status.into()),
    }
}
