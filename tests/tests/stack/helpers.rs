//! Small calls and checks that several files use.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spiderq_proto::v1::{GetJobRequest, Job, ScheduleJobRequest};
use spiderq_tests::{Grpc, Http, Response, job_of};
use tonic::Status;

/// Where manual clocks begin, ms since the epoch.
pub(crate) const NOW: u64 = 1_566_311_800_654;

pub(crate) fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Sends a request of a data file: `METHOD PATH`, and as the body a form or else a text.
pub(crate) async fn send(
    http: &Http,
    request: &str,
    headers: &BTreeMap<String, String>,
    form: &str,
    body: &str,
) -> Response {
    let (method, path) = request.split_once(' ').unwrap();
    let mut headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if !form.is_empty() {
        headers.push(("content-type", "application/x-www-form-urlencoded"));
    }
    let body = if form.is_empty() { body } else { form };
    http.send(method.parse().unwrap(), path, &headers, body.to_owned()).await
}

pub(crate) fn schedule(spider: &str) -> ScheduleJobRequest {
    ScheduleJobRequest { project: 53, job: Some(job_of(spider)), ..Default::default() }
}

/// Schedules a job; its key.
pub(crate) async fn scheduled(grpc: &Grpc, request: ScheduleJobRequest) -> Result<String, Status> {
    let answer = grpc.jobs().schedule_job(request).await?;
    Ok(answer.into_inner().job.unwrap().key)
}

pub(crate) async fn get(grpc: &Grpc, key: &str) -> Result<Job, Status> {
    let request = GetJobRequest { key: key.to_owned() };
    let answer = grpc.jobs().get_job(request).await?;
    Ok(answer.into_inner().job.unwrap())
}

/// Asserts that a call was refused with 401 or 403, in the form of its path's family.
pub(crate) fn assert_refused(answer: &Response, path: &str, code: u16) {
    assert_eq!(answer.status, code, "{answer}");
    let body = answer.json();
    let message = body["message"].as_str().unwrap();
    assert!(!message.is_empty());
    let expected: Value = match (path.starts_with("/api/"), code) {
        (true, 401) => json!({"status": "error", "message": "Authentication failed"}),
        (true, _) => json!({"status": "error", "message": message}),
        (false, 401) => json!({"error": "Unauthorized", "message": "Unauthorized"}),
        (false, _) => json!({"error": "Forbidden", "message": message}),
    };
    assert_eq!(body, expected, "{answer}");
    if code == 401 {
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Basic"), "{challenge}");
    }
}
