//! POST /api/jobs/stop.json → StopJobs.

use spiderq_proto::v1::StopJobsRequest;

use super::{DashResult, named_jobs, ok};
use crate::call::Call;

pub(in crate::routes) async fn stop(call: Call) -> DashResult {
    let request = call.request(StopJobsRequest {
        project: call.params.project()?,
        filter: Some(named_jobs(&call.params)?),
        ..StopJobsRequest::default()
    });
    call.app.services.jobs.stop_jobs(request).await?;
    Ok(ok(|_| {}))
}
