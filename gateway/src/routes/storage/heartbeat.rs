//! POST /jobq/P/S/J/heartbeat → Heartbeat. The worker shows the fence of its attempt, or calls with
//! the job's token.

use spiderq_proto::v1::{HeartbeatRequest, JobCounters};

use super::{StorageResult, lease};
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    json_lines::object,
    render::{Object, ms},
    responses::json,
};

pub(in crate::routes) async fn heartbeat(call: Call) -> StorageResult {
    let request = call.request(decode(&call)?);
    let response = call.app.services.queue.heartbeat(request).await?.into_inner();
    let mut body = Object::new();
    body.number("lease_expires", ms(response.lease_expire_time.as_ref()));
    body.raw("stop_requested", if response.stop_requested { "true" } else { "false" });
    Ok(json(body.finish()))
}

fn decode(call: &Call) -> Result<HeartbeatRequest, Problem> {
    let mut fields = object(call.text()?)?.unwrap_or_default();
    let in_body = fields.take("lease", &accepted_values::LEASE)?;
    let seconds = in_body.or(call.params.number("lease", &accepted_values::LEASE)?);
    let mut counter = |name: &str| fields.take(name, accepted_values::NOT_NEGATIVE);
    let counters = JobCounters {
        items: counter("items")?,
        pages: counter("pages")?,
        logs: counter("logs")?,
        errors: counter("errors")?,
    };
    Ok(HeartbeatRequest {
        key: call.job_key()?,
        fence: fields.take_string("fence")?.unwrap_or_default(),
        lease: lease(seconds)?,
        counters: Some(counters),
    })
}
