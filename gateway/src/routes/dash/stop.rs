//! POST /api/jobs/stop.json → StopJobs.

use spiderq_proto::v1::StopJobsRequest;

use super::{DashResult, job_keys, ok};
use crate::call::Call;

pub(in crate::routes) async fn stop(call: Call) -> DashResult {
    let (project, keys) = (call.params.project()?, job_keys(&call.params)?);
    let request = call.request(StopJobsRequest { project, keys });
    call.app.services.jobs.stop_jobs(request).await?;
    Ok(ok(|_| {}))
}
