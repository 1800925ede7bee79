//! GET /api/jobs/count.json → CountJobs.

use spiderq_proto::v1::CountJobsRequest;

use super::{DashResult, ok};
use crate::call::Call;

pub(in crate::routes) async fn count(call: Call) -> DashResult {
    let request = call.request(CountJobsRequest {
        project: call.params.project()?,
        filter: Some(call.params.job_filter("job")?),
    });
    let count = call.app.services.jobs.count_jobs(request).await?.into_inner().count;
    Ok(ok(|body| {
        body.number("total", count);
    }))
}
