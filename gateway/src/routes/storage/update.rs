//! POST /jobq/P/update → UpdateQueue. The response has, in the order of the lines, one for each job
//! that was changed or refused, and one for each line that is bad.

use spiderq_core::model::{JobKey, SpiderKey};
use spiderq_proto::{
    RpcStatus,
    v1::{
        JobUpdate, UpdateQueueRequest, UpdatedJob, job_update::Target,
        updated_job::Result as Updated,
    },
};
use tonic::Code;

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
    spider_ref::by_id,
};

/// An update, and the key as its line has it.
struct Line {
    key: String,
    update: JobUpdate,
}

pub(in crate::routes) async fn update(call: Call) -> StorageResult {
    let project = call.project()?;
    let (mut lines, mut updates) = (Vec::new(), Vec::new());
    for Entry { text, fields } in entries(call.text()?)? {
        let update = fields.and_then(|fields| decode(fields, project));
        lines.push((text, update.map(|update| updates.push(update))));
    }
    let mut results = update_all(&call, project, updates).await?.into_iter();
    let mut body = String::new();
    for (text, sent) in lines {
        match sent {
            Ok(()) => body.extend(results.next().iter().flatten().map(|job| line(job, text))),
            Err(problem) => body += &(refused_line(&problem.into_message(), text) + "\n"),
        }
    }
    Ok(json_lines(body))
}

fn decode(mut fields: Fields<'_>, project: i64) -> Result<Line, Problem> {
    let Some(key) = fields.take_string("key")? else {
        return Err(Problem::invalid("key", accepted_values::JOB_KEY));
    };
    let update = JobUpdate {
        target: Some(target(&key, project)?),
        state: fields.take_state()?.into(),
        fence: fields.take_string("fence")?.unwrap_or_default(),
        metadata_json: fields.into_metadata(),
        ..JobUpdate::default()
    };
    Ok(Line { key, update })
}

/// The job `P/S/J`, or the spider `P/S`, whose project the message does not say.
fn target(key: &str, project: i64) -> Result<Target, Problem> {
    match (JobKey::parse(key), SpiderKey::parse(key)) {
        (Ok(_), _) => Ok(Target::Key(key.to_owned())),
        (_, Ok(spider)) if i64::try_from(spider.project.get()) != Ok(project) => {
            Err(Problem::invalid("key", format!("must be a key of project {project}")))
        }
        (_, Ok(spider)) => Ok(Target::Spider(by_id(spider.spider.get().cast_signed()))),
        (Err(_), Err(_)) => Err(Problem::invalid("key", accepted_values::JOB_OR_SPIDER_KEY)),
    }
}

/// What became of the jobs of each update. One whose batch failed has a refused job of its key.
async fn update_all(
    call: &Call,
    project: i64,
    lines: Vec<Line>,
) -> Result<Vec<Vec<UpdatedJob>>, StorageError> {
    let mut results = Vec::with_capacity(lines.len());
    for Batch { index, items: lines, request_id } in batches(lines, &call.idempotency_key()?) {
        let (keys, updates): (Vec<_>, Vec<_>) =
            lines.into_iter().map(|line| (line.key, line.update)).unzip();
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
    UpdatedJob { key, result: Some(Updated::Error(error)), ..UpdatedJob::default() }
}

/// `text` is the line of the update. A line that the service finds malformed is about no job, and a
/// job that does not exist has no line.
fn line(job: &UpdatedJob, text: &str) -> String {
    let mut line = Object::new();
    match &job.result {
        Some(Updated::Error(error)) if error.code == i32::from(Code::NotFound) => {
            return String::new();
        }
        Some(Updated::Error(error)) if job.key.is_empty() => {
            return refused_line(&item_message(error), text) + "\n";
        }
        Some(Updated::Error(error)) => {
            line.text("key", &job.key).text("error", &item_message(error))
        }
        Some(Updated::Made(made)) => {
            line.text("key", &job.key).text("prevstate", state_name(made.previous_state()))
        }
        None => return String::new(),
    };
    line.finish() + "\n"
}
