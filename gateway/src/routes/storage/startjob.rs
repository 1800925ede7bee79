//! POST /jobq/P/startjob → StartJob, without a lease, which HTTP clients know nothing about.

use spiderq_proto::v1::StartJobRequest;

use super::StorageResult;
use crate::{
    call::Call,
    errors::Problem,
    json_lines::object,
    render::metadata,
    responses::{json, json_lines},
};

pub(in crate::routes) async fn startjob(call: Call) -> StorageResult {
    let request = call.request(decode(&call)?);
    let response = call.app.services.queue.start_job(request).await?.into_inner();
    Ok(match response.job {
        Some(job) => json(metadata::started(&job, &response.token) + "\n"),
        // An empty body is valid as JSON lines, but not as JSON.
        None => json_lines(String::new()),
    })
}

fn decode(call: &Call) -> Result<StartJobRequest, Problem> {
    let mut fields = object(call.text()?)?.unwrap_or_default();
    Ok(StartJobRequest {
        project: call.project()?,
        spiders: fields.take_string("spider")?.into_iter().collect(),
        metadata: fields.into_metadata(),
        lease_ms: Some(0),
        wait_ms: 0,
        request_id: call.idempotency_key()?,
        ..StartJobRequest::default()
    })
}
