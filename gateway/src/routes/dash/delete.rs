//! POST /api/jobs/delete.json → DeleteJobs.

use spiderq_proto::v1::DeleteJobsRequest;

use super::{DashResult, named_jobs, ok};
use crate::{call::Call, errors::Problem};

pub(in crate::routes) async fn delete(call: Call) -> DashResult {
    let request = call.request(DeleteJobsRequest {
        project: call.params.project()?,
        filter: Some(named_jobs(&call.params)?),
        ..DeleteJobsRequest::default()
    });
    let response = call.app.services.jobs.delete_jobs(request).await;
    // A running job refuses the call.
    let response = response.map_err(|status| Problem::from(status).conflict_as_bad_request())?;
    let count = response.into_inner().count;
    Ok(ok(|body| {
        body.number("count", count);
    }))
}
