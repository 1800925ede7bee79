//! POST /jobq/P/update → UpdateQueue. The response has, in the order of the lines, one for each job
//! that was changed or refused, and one for each line that is bad.

use spiderq_proto::{
    RpcStatus,
    v1::{JobUpdate, UpdateQueueRequest, UpdatedJob},
};

use super::{
    StorageResult,
    batches::{Batch, batches, failure},
    refused_line,
};
use crate::{
    accepted_values,
    call::Call,
    errors::{Problem, StorageError, item_message},
    json_fields::Fields,
    json_lines::{Entry, entries},
    render::{Object, state_name},
    responses::json_lines,
};

pub(in crate::routes) async fn update(call: Call) -> StorageResult {
    let (mut lines, mut updates) = (Vec::new(), Vec::new());
    for Entry { text, fields } in entries(call.text()?)? {
        let update = fields.and_then(decode);
        lines.push((text, update.map(|update| updates.push(update))));
    }
    let mut results = update_all(&call, updates).await?.into_iter();
    let mut body = String::new();
    for (text, sent) in lines {
        match sent {
            Ok(()) => body.extend(results.next().iter().flatten().map(|job| line(job, text))),
            Err(problem) => body += &(refused_line(&problem.into_message(), text) + "\n"),
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
        metadata_json: fields.into_metadata(),
        ..JobUpdate::default()
    })
}

/// What became of the jobs of each update. One whose batch failed has a refused job of its key.
async fn update_all(
    call: &Call,
    updates: Vec<JobUpdate>,
) -> Result<Vec<Vec<UpdatedJob>>, StorageError> {
    let (project, request_id) = (call.project()?, call.idempotency_key()?);
    let mut results = Vec::with_capacity(updates.len());
    for Batch { index, items: updates, request_id } in batches(updates, &request_id) {
        let keys: Vec<String> = updates.iter().map(|update| update.key.clone()).collect();
        let request = call.request(UpdateQueueRequest { project, updates, request_id });
        match call.app.services.queue.update_queue(request).await {
            Ok(response) => {
                let mut jobs = response.into_inner().results.into_iter().peekable();
                for index in 0..keys.len() {
                    let of_update =
                        |job: &UpdatedJob| usize::try_from(job.update_index) == Ok(index);
                    let jobs = std::iter::from_fn(|| jobs.next_if(of_update));
                    results.push(jobs.collect());
                }
            }
            Err(status) => {
                let message = failure(status, index, keys.len())?;
                results.extend(keys.into_iter().map(|key| vec![failed(key, &message)]));
            }
        }
    }
    Ok(results)
}

fn failed(key: String, message: &str) -> UpdatedJob {
    let error = RpcStatus { message: message.to_owned(), ..RpcStatus::default() };
    UpdatedJob { key, error: Some(error), ..UpdatedJob::default() }
}

/// `text` is the line of the update. A line that the service finds malformed is about no job.
fn line(job: &UpdatedJob, text: &str) -> String {
    let mut line = Object::new();
    match &job.error {
        Some(error) if job.key.is_empty() => {
            return refused_line(&item_message(error), text) + "\n";
        }
        Some(error) => line.text("key", &job.key).text("error", &item_message(error)),
        None => line.text("key", &job.key).text("prevstate", state_name(job.previous_state())),
    };
    line.finish() + "\n"
}
