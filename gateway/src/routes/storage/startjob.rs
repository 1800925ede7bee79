//! POST /jobq/P/startjob → StartJob, without a lease: HTTP clients know none.

use spiderq_proto::v1::StartJobRequest;

use super::{StorageResult, json, lines};
use crate::{call::Call, errors::Problem, lines::object, render::metadata};

pub(in crate::routes) async fn startjob(call: Call) -> StorageResult {
    let request = call.request(decode(&call)?);
    let answer = call.app.services.queue.start_job(request).await?.into_inner();
    Ok(match answer.job {
        Some(job) => json(metadata::started(&job, &answer.token) + "\n"),
        // JSON of no bytes there is not; no lines there are.
        None => lines(String::new()),
    })
}

fn decode(call: &Call) -> Result<StartJobRequest, Problem> {
    let mut fields = object(call.text()?)?.unwrap_or_default();
    Ok(StartJobRequest {
        project: call.project()?,
        spiders: fields.text("spider")?.into_iter().collect(),
        metadata: fields.into_metadata(),
        lease_ms: Some(0),
        wait_ms: 0,
        request_id: call.request_id()?,
        ..StartJobRequest::default()
    })
}
