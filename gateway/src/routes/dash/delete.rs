//! POST /api/jobs/delete.json → DeleteJobs.

use spiderq_proto::v1::DeleteJobsRequest;

use super::{DashResult, jobs, ok};
use crate::call::Call;

pub(in crate::routes) async fn delete(call: Call) -> DashResult {
    let request = call
        .request(DeleteJobsRequest { project: call.params.project()?, keys: jobs(&call.params)? });
    let answer = call.app.services.jobs.delete_jobs(request).await?;
    Ok(ok(Some(("count", answer.into_inner().count))))
}
