//! GET /jobq/P/count → CountJobs.

use spiderq_proto::v1::CountJobsRequest;

use super::{StorageResult, job_filter};
use crate::{call::Call, responses::json};

pub(in crate::routes) async fn count(call: Call) -> StorageResult {
    let request = call
        .request(CountJobsRequest { project: call.project()?, filter: Some(job_filter(&call)?) });
    let response = call.app.services.jobs.count_jobs(request).await?;
    Ok(json(response.into_inner().count.to_string()))
}
