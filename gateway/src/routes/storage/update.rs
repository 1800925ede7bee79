//! POST /jobq/P/update → UpdateQueue. The response has a line for each job that was changed or
//! refused. A body with a bad line is refused before anything is done.

use spiderq_proto::v1::{JobUpdate, UpdateQueueRequest, UpdatedJob};

use super::{
    StorageResult,
    batches::{Batch, batches, failure},
};
use crate::{
    accepted_values,
    call::Call,
    errors::Problem,
    json_fields::Fields,
    json_lines::entries,
    render::{Object, state_name},
    responses::json_lines,
};

pub(in crate::routes) async fn update(call: Call) -> StorageResult {
    let (project, request_id) = (call.project()?, call.idempotency_key()?);
    let updates = entries(call.text()?)?.into_iter();
    let updates = updates.map(|entry| entry.fields.and_then(decode));
    let updates = updates.collect::<Result<Vec<_>, _>>()?;
    let mut body = String::new();
    for Batch { index, items: updates, request_id } in batches(updates, &request_id) {
        let keys: Vec<String> = updates.iter().map(|update| update.key.clone()).collect();
        let request = call.request(UpdateQueueRequest { project, updates, request_id });
        match call.app.services.queue.update_queue(request).await {
            Ok(response) => body.extend(response.into_inner().results.iter().map(line)),
            Err(status) => {
                let message = failure(status, index, keys.len())?;
                body.extend(keys.iter().map(|key| refused(key, &message)));
            }
        }
    }
    Ok(json_lines(body))
}

fn decode(mut fields: Fields<'_>) -> Result<JobUpdate, Problem> {
    let Some(key) = fields.take_string("key")? else {
        return Err(Problem::invalid("key", accepted_values::JOB_KEY));
    };
    Ok(JobUpdate {
        key,
        state: fields.take_state()?.into(),
        fence: fields.take_string("fence")?.unwrap_or_default(),
        metadata: fields.into_metadata(),
        ..JobUpdate::default()
    })
}

fn line(job: &UpdatedJob) -> String {
    if let Some(error) = &job.error {
        return refused(&job.key, &error.message);
    }
    let mut line = Object::new();
    line.text("key", &job.key).text("prevstate", state_name(job.previous_state()));
    line.finish() + "\n"
}

fn refused(key: &str, message: &str) -> String {
    let mut line = Object::new();
    line.text("key", key).text("error", message);
    line.finish() + "\n"
}
