//! POST /jobq/P/push → PushJobs. The response has a line for each line of the body, in order:
//! lines that the gateway refuses by itself keep their position among those that the service
//! gets.

use std::iter;

use spiderq_proto::{
    RpcStatus,
    v1::{AddedJob, NewJob, PushJobsRequest, PushedJob, pushed_job},
};
use tonic::{Code, Status};

use super::{
    StorageResult,
    batches::{Batch, batches, failure},
    refused_line,
};
use crate::{
    accepted_values,
    call::Call,
    errors::{Problem, StorageError, item_message, required},
    json_fields::Fields,
    json_lines::{Entry, entries},
    render::{Object, nullable, string},
    responses::json_lines,
    spider_ref::by_name,
};

pub(in crate::routes) async fn push(call: Call) -> StorageResult {
    let (mut lines, mut jobs) = (Vec::new(), Vec::new());
    for Entry { text, fields } in entries(call.text()?)? {
        let job = fields.and_then(decode);
        lines.push((
            text,
            job.map(|job| {
                let unique = job.unique_key.clone();
                jobs.push(job);
                unique
            }),
        ));
    }
    let mut results = push_all(&call, jobs).await?.into_iter();
    let mut body = String::new();
    for (text, decoded) in lines {
        body += &match decoded {
            Ok(unique) => line(required(results.next(), "result")?, &unique, text),
            Err(problem) => refused_line(&problem.into_message(), text),
        };
        body.push('\n');
    }
    Ok(json_lines(body))
}

fn decode(mut fields: Fields<'_>) -> Result<NewJob, Problem> {
    let Some(spider) = fields.take_string("spider")? else {
        return Err(Problem::invalid("spider", accepted_values::SPIDER));
    };
    Ok(NewJob {
        spider: Some(by_name(spider)),
        state: fields.take_state()?.into(),
        priority: fields.take_priority()?,
        units: fields.take_units()?,
        tags: fields.take_strings("tags")?,
        unique_key: fields.take_string("unique")?.unwrap_or_default(),
        metadata_json: fields.into_metadata(),
        ..NewJob::default()
    })
}

/// A result for each job, or why its batch failed.
async fn push_all(
    call: &Call,
    jobs: Vec<NewJob>,
) -> Result<Vec<Result<PushedJob, String>>, StorageError> {
    let project = call.project()?;
    let mut results = Vec::with_capacity(jobs.len());
    for Batch { index, items: jobs, request_id } in batches(jobs, &call.idempotency_key()?) {
        let count = jobs.len();
        let request = call.request(PushJobsRequest { project, jobs, request_id });
        let response = call.app.services.queue.push_jobs(request).await;
        match response.and_then(|response| complete(response.into_inner().results, count)) {
            Ok(pushed) => results.extend(pushed.into_iter().map(Ok)),
            Err(status) => {
                let message = failure(status, index, count)?;
                results.extend(iter::repeat_n(Err(message), count));
            }
        }
    }
    Ok(results)
}

/// Results are matched to jobs by their order, so if one is missing none can be trusted.
fn complete(results: Vec<PushedJob>, jobs: usize) -> Result<Vec<PushedJob>, Status> {
    match results.len() == jobs {
        true => Ok(results),
        false => Err(Status::internal(format!("{} results for {jobs} jobs", results.len()))),
    }
}

fn line(result: Result<PushedJob, String>, unique: &str, text: &str) -> String {
    let pushed = match result {
        Ok(pushed) => pushed,
        Err(message) => return refused_line(&message, text),
    };
    match pushed.result {
        Some(pushed_job::Result::Added(job)) => pushed_line(&job),
        Some(pushed_job::Result::Error(error)) => refused_line(&message(&error, unique), text),
        // Other jobs of the batch may have been pushed, so the whole response must not fail.
        None => refused_line(&Problem::bug("a pushed job has no result").into_message(), text),
    }
}

fn message(error: &RpcStatus, unique: &str) -> String {
    if Code::from_i32(error.code) == Code::AlreadyExists {
        // Clients know a duplicate by this text.
        return format!("Active job exists with key {unique}");
    }
    item_message(error)
}

fn pushed_line(job: &AddedJob) -> String {
    let mut line = Object::new();
    let token = (!job.token.is_empty()).then(|| string(&job.token));
    line.text("key", &job.key).raw("auth", &nullable(token));
    line.finish()
}
