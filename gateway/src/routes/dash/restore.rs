//! POST /api/jobs/restore.json → RestoreJobs.

use spiderq_proto::v1::RestoreJobsRequest;

use super::{DashResult, job_keys, ok};
use crate::call::Call;

pub(in crate::routes) async fn restore(call: Call) -> DashResult {
    let (project, keys) = (call.params.project()?, job_keys(&call.params)?);
    let request_id = call.idempotency_key()?;
    let request = call.request(RestoreJobsRequest { project, keys, request_id });
    let count = call.app.services.jobs.restore_jobs(request).await?.into_inner().count;
    Ok(ok(|body| {
        body.number("count", count);
    }))
}
