//! DELETE /jobs/P/S/J → PurgeJob, DELETE /jobs/P/S/J/FIELD → DeleteJobMetadata.

use spiderq_proto::v1::{DeleteJobMetadataRequest, PurgeJobRequest};

use super::{StorageResult, field};
use crate::{call::Call, responses::empty};

pub(in crate::routes) async fn purge(call: Call) -> StorageResult {
    let request = call.request(PurgeJobRequest { key: call.job_key()? });
    call.app.services.jobs.purge_job(request).await?;
    Ok(empty())
}

pub(in crate::routes) async fn delete_field(call: Call) -> StorageResult {
    let request = call.request(DeleteJobMetadataRequest {
        key: call.job_key()?,
        field: field(&call).to_owned(),
        ..DeleteJobMetadataRequest::default()
    });
    call.app.services.jobs.delete_job_metadata(request).await?;
    Ok(empty())
}
