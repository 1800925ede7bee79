//! POST /api/jobs/restore.json → RestoreJobs.

use spiderq_proto::v1::RestoreJobsRequest;

use super::{DashResult, named_jobs, ok};
use crate::call::Call;

pub(in crate::routes) async fn restore(call: Call) -> DashResult {
    let request = call.request(RestoreJobsRequest {
        project: call.params.project()?,
        filter: Some(named_jobs(&call.params)?),
        request_id: call.idempotency_key()?,
        ..RestoreJobsRequest::default()
    });
    let count = call.app.services.jobs.restore_jobs(request).await?.into_inner().count;
    Ok(ok(|body| {
        body.number("count", count);
    }))
}
