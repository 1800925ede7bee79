//! POST /jobq/P/startjob → StartJob. Without `lease` there is none: clients of the original know
//! nothing of leases, and of the fence that comes with one.

use std::time::Duration;

use spiderq_core::limits::{MAX_START_WAIT_MS, START_DEADLINE_MARGIN};
use spiderq_proto::{time::duration, v1::StartJobRequest};

use super::{StorageResult, lease};
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    json_lines::object,
    render::metadata,
    responses::{json, json_lines},
    spider_ref::by_name,
};

pub(in crate::routes) async fn startjob(call: Call) -> StorageResult {
    let message = decode(&call)?;
    let is_leased = message.lease != Some(duration(0));
    let request = call.request(message);
    let response = call.app.services.queue.start_job(request).await?.into_inner();
    Ok(match &response.job {
        Some(job) if is_leased => json(metadata::leased(job, &response) + "\n"),
        Some(job) => json(metadata::started(job, &response) + "\n"),
        // An empty body is valid as JSON lines, but not as JSON.
        None => json_lines(String::new()),
    })
}

fn decode(call: &Call) -> Result<StartJobRequest, Problem> {
    let mut fields = object(call.text()?)?.unwrap_or_default();
    if let Some(name) = ["lease", "wait"].into_iter().find(|name| fields.has(name)) {
        return Err(Problem::invalid(
            name,
            "goes into the address, as in startjob?lease=30&wait=20",
        ));
    }
    let seconds = call.params.number("lease", &accepted_values::LEASE)?;
    Ok(StartJobRequest {
        project: call.project()?,
        spiders: fields.take_string("spider")?.into_iter().map(by_name).collect(),
        metadata_json: fields.into_metadata(),
        lease: Some(lease(seconds)?.unwrap_or(duration(0))),
        wait: Some(duration(wait_ms(call)?)),
        request_id: call.idempotency_key()?,
        ..StartJobRequest::default()
    })
}

/// The wait ends before the response is late: a job that was started then would reach nobody.
fn wait_ms(call: &Call) -> Result<i64, Problem> {
    let seconds = call.params.number("wait", &accepted_values::WAIT)?.unwrap_or(0);
    let wait = Duration::from_secs(seconds);
    if wait > Duration::from_millis(MAX_START_WAIT_MS) {
        return Err(Problem::invalid("wait", &*accepted_values::WAIT));
    }
    let longest = call.app.options.timeout.saturating_sub(START_DEADLINE_MARGIN);
    Ok(i64::try_from(wait.min(longest).as_millis()).unwrap_or(0))
}
