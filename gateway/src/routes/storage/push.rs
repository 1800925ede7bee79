//! POST /jobq/P/push → PushJobs. One answer line for each line, in order: what the
//! gateway refuses by itself keeps its place among what the service answers.

use spiderq_proto::v1::{NewJob, PushJobsRequest, PushedJob, job_error, pushed_job};
use tonic::Status;

use super::{BATCH, StorageResult, batch_id, lines, nothing_to_do, told};
use crate::{
    call::Call,
    errors::{Problem, StorageError},
    lines::{Entry, Fields, entries},
    render::{Object, string},
};

pub(in crate::routes) async fn push(call: Call) -> StorageResult {
    let (mut slots, mut jobs) = (Vec::new(), Vec::new());
    for Entry { text, fields } in entries(call.text()?)? {
        match fields.and_then(decode) {
            Ok(job) => {
                slots.push((text, None));
                jobs.push(job);
            }
            Err(problem) => slots.push((text, Some(problem.into_message()))),
        }
    }
    let uniques: Vec<String> = jobs.iter().map(|job| job.unique.clone()).collect();
    let mut results = push_all(&call, jobs).await?.into_iter().zip(uniques);
    let mut body = String::new();
    for (text, refusal) in slots {
        let line = match refusal {
            Some(message) => refused(&message, text),
            None => {
                let (result, unique) = results.next().unwrap_or_default();
                answered(result, &unique, text)
            }
        };
        body.push_str(&line);
        body.push('\n');
    }
    Ok(lines(body))
}

fn decode(mut fields: Fields<'_>) -> Result<NewJob, Problem> {
    let Some(spider) = fields.text("spider")? else {
        return Err(Problem::invalid("spider", "is required, the name of a spider"));
    };
    Ok(NewJob {
        spider,
        state: fields.state()?.into(),
        priority: fields.priority()?,
        units: fields.units()?,
        tags: fields.tags()?,
        unique: fields.text("unique")?.unwrap_or_default(),
        metadata: fields.into_metadata(),
    })
}

/// In batches. An error of the first is the answer; one of a later batch stands in the
/// lines that it meets, as those before were done.
async fn push_all(call: &Call, jobs: Vec<NewJob>) -> Result<Vec<PushedJob>, StorageError> {
    let project = call.project()?;
    let request_id = call.request_id()?;
    let mut results = Vec::with_capacity(jobs.len());
    let mut jobs = jobs.into_iter().peekable();
    let mut batch = 0;
    // A body without a good line still asks, so that a wrong key is told; that there is
    // nothing to do is no error here.
    while batch == 0 || jobs.peek().is_some() {
        let jobs: Vec<NewJob> = jobs.by_ref().take(BATCH).collect();
        let length = jobs.len();
        let request = call.request(PushJobsRequest {
            project,
            jobs,
            request_id: batch_id(&request_id, batch),
        });
        match call.app.services.queue.push_jobs(request).await {
            Ok(answer) => results.extend(answer.into_inner().results),
            Err(status) if nothing_to_do(&status, length) => {}
            Err(status) if batch == 0 => return Err(status.into()),
            Err(status) => results.resize(batch * BATCH + length, failed(&status)),
        }
        batch += 1;
    }
    Ok(results)
}

fn failed(status: &Status) -> PushedJob {
    PushedJob {
        result: Some(pushed_job::Result::Error(spiderq_proto::v1::JobError {
            message: Problem::from(status.clone()).into_message(),
            ..Default::default()
        })),
        token: String::new(),
    }
}

fn answered(result: PushedJob, unique: &str, text: &str) -> String {
    match result.result {
        Some(pushed_job::Result::Key(key)) => {
            let mut line = Object::new();
            line.text("key", &key);
            match result.token.as_str() {
                "" => line.raw("auth", "null"),
                token => line.text("auth", token),
            };
            line.finish()
        }
        Some(pushed_job::Result::Error(error)) if error.code() == job_error::Code::Duplicate => {
            // Clients know a duplicate by this text.
            refused(&format!("Active job exists with key {unique}"), text)
        }
        Some(pushed_job::Result::Error(error)) => refused(&told(&error), text),
        None => refused("internal error", text),
    }
}

/// `request` is the line as sent; text that is no JSON goes in as a string.
fn refused(message: &str, text: &str) -> String {
    let mut line = Object::new();
    line.text("error", message);
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        // In JSON, line breaks stand only between tokens.
        line.raw("request", &text.replace(['\n', '\r'], " "));
    } else {
        line.raw("request", &string(text));
    }
    line.finish()
}
