//! POST /api/jobs/delete.json → DeleteJobs.

use spiderq_proto::v1::DeleteJobsRequest;

use super::{DashResult, job_keys, ok};
use crate::{call::Call, errors::Problem};

pub(in crate::routes) async fn delete(call: Call) -> DashResult {
    let (project, keys) = (call.params.project()?, job_keys(&call.params)?);
    let request = call.request(DeleteJobsRequest { project, keys });
    let response = call.app.services.jobs.delete_jobs(request).await;
    // A running job refuses the call.
    let response = response.map_err(|status| Problem::from(status).conflict_as_bad_request())?;
    let count = response.into_inner().count;
    Ok(ok(|body| {
        body.number("count", count);
    }))
}
