//! DELETE /jobs/P/S/J → PurgeJob, DELETE /jobs/P/S/J/FIELD → DeleteJobMetadata.

use spiderq_proto::v1::{DeleteJobMetadataRequest, PurgeJobRequest};

use super::{StorageResult, empty, field};
use crate::call::Call;

pub(in crate::routes) async fn purge(call: Call) -> StorageResult {
    let request = call.request(PurgeJobRequest { key: call.key() });
    call.app.services.jobs.purge_job(request).await?;
    Ok(empty())
}

pub(in crate::routes) async fn delete_field(call: Call) -> StorageResult {
    let request = call.request(DeleteJobMetadataRequest {
        key: call.key(),
        field: field(&call).to_owned(),
        fence: String::new(),
    });
    call.app.services.jobs.delete_job_metadata(request).await?;
    Ok(empty())
}
