//! Quotas of API keys: what is refused beyond them, over gRPC and HTTP, and who is not.

use futures::future::{Either, join_all, select};
use serde_json::json;
use spiderq_proto::v1::*;
use spiderq_tests::{Grpc, Http, Program, Stack, StoreKind, eventually, job_of, span, sqlite_url};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{helpers::schedule, on_each_store};

/// A key with these quotas, that reaches all projects.
async fn caller(stack: &Stack, owner: &str, quotas: Quotas) -> (Grpc, Http) {
    let request = CreateApiKeyRequest {
        owner: owner.to_owned(),
        role: Role::User.into(),
        all_projects: true,
        quotas: Some(quotas),
        ..CreateApiKeyRequest::default()
    };
    let made = stack.grpc().api_keys().create_api_key(request).await.unwrap().into_inner();
    assert_eq!(made.api_key.unwrap().quotas, Some(quotas));
    (Grpc::new(&stack.url, &made.secret), Http::new(&stack.url).bearer(&made.secret))
}

/// Asserts that a quota refused the call, and that it says when to try again.
fn assert_exceeded(status: &Status, quota: &str, message: &str) {
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, message));
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.metadata["quota"].as_str()), ("QUOTA_EXCEEDED", quota));
    assert!(details.retry_info().unwrap().retry_delay.is_some_and(|delay| !delay.is_zero()));
    assert_eq!(details.quota_failure().unwrap().violations[0].subject, quota);
}

async fn push(grpc: &Grpc, project: i64, jobs: usize) -> Result<usize, Status> {
    let jobs = vec![job_of("s"); jobs];
    let request = PushJobsRequest { project, jobs, ..PushJobsRequest::default() };
    Ok(grpc.queue().push_jobs(request).await?.into_inner().results.len())
}

/// So many at once that a busy machine does not spread them over as many seconds.
#[tokio::test]
async fn a_key_makes_so_many_calls_a_second_and_others_are_not_held_up() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let slow = Quotas { rate: Some(1), burst: Some(2), ..Quotas::default() };
    let (grpc, _) = caller(&stack, "slow", slow).await;
    let count = async || {
        grpc.jobs().count_jobs(CountJobsRequest { project: 1, ..Default::default() }).await
    };
    let calls = join_all((0..300).map(|_| count())).await;
    let refused: Vec<Status> = calls.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty() && refused.len() <= 298, "{}", refused.len());
    for status in &refused {
        assert_exceeded(status, "rate", "at most 1 calls a second; try again later");
    }
    let (_, http) = caller(&stack, "slow too", slow).await;
    let calls = join_all((0..300).map(|_| http.get("/jobq/1/count"))).await;
    let refused: Vec<_> = calls.into_iter().filter(|answer| answer.status != 200).collect();
    assert!(!refused.is_empty());
    for answer in &refused {
        assert_eq!((answer.status, answer.header("retry-after").is_empty()), (429, false));
        let message = "at most 1 calls a second; try again later";
        assert_eq!(answer.json(), json!({"error": "Too Many Requests", "message": message}));
    }
    stack.http().get("/jobq/1/count").await.ok();
}

#[tokio::test]
async fn waits_are_counted_while_they_wait() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let one = Quotas { waits: Some(1), ..Quotas::default() };
        let (grpc, _) = caller(&stack, "ann", one).await;
        let start = || {
            let wait = span(60_000);
            let request = StartJobRequest { project: 53, wait, ..StartJobRequest::default() };
            let mut queue = grpc.queue();
            Box::pin(async move { queue.start_job(request).await })
        };
        let (first, waiting) = match select(start(), start()).await {
            Either::Left(done) | Either::Right(done) => done,
        };
        let message = "at most 1 calls that wait for a job; try again later";
        assert_exceeded(&first.unwrap_err(), "waits", message);
        // A call that does not wait is another matter.
        let now = StartJobRequest { project: 53, ..StartJobRequest::default() };
        assert_eq!(grpc.queue().start_job(now).await.unwrap().into_inner().job, None);
        stack.grpc().jobs().schedule_job(schedule("s")).await.unwrap();
        assert_eq!(waiting.await.unwrap().into_inner().job.unwrap().key, "53/1/1");
    })
    .await;
}

/// The first message owes more than is made good while the test lasts.
#[tokio::test]
async fn a_key_brings_so_many_bytes_a_second() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let one = Quotas { bytes: Some(1), ..Quotas::default() };
    let (grpc, http) = caller(&stack, "ann", one).await;
    assert_eq!(push(&grpc, 53, 100).await.unwrap(), 100);
    let message = "at most 1 bytes of requests a second; try again later";
    assert_exceeded(&push(&grpc, 53, 1).await.unwrap_err(), "bytes", message);
    let refused = http.post("/jobq/53/push", r#"{"spider":"s"}"#).await;
    assert_eq!((refused.status, refused.header("retry-after").is_empty()), (429, false));
    assert_eq!(refused.json(), json!({"error": "Too Many Requests", "message": message}));
    stack.http().get("/jobq/53/count").await.ok();
}

#[tokio::test]
async fn watches_are_counted_until_they_end() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let one = Quotas { watches: Some(1), ..Quotas::default() };
    let (grpc, _) = caller(&stack, "ann", one).await;
    let watch = async || {
        let request = WatchJobsRequest { project: 53, ..WatchJobsRequest::default() };
        grpc.jobs().watch_jobs(request).await.map(tonic::Response::into_inner)
    };
    let mut open = watch().await.unwrap();
    assert!(open.message().await.unwrap().is_some());
    let refused = watch().await.unwrap_err();
    assert_exceeded(&refused, "watches", "at most 1 open watches; try again later");
    drop(open);
    eventually("no watch after the first", async || watch().await.ok()).await;
}

#[tokio::test]
async fn a_key_makes_so_many_projects_a_day() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack.grpc(), 1, 1).await.unwrap();
        let one = Quotas { projects: Some(1), ..Quotas::default() };
        let (grpc, http) = caller(&stack, "ann", one).await;
        for project in [1, 7, 7, 1] {
            assert_eq!(push(&grpc, project, 1).await.unwrap(), 1);
        }
        let message = "at most 1 new projects a day; try again later";
        assert_exceeded(&push(&grpc, 8, 1).await.unwrap_err(), "projects", message);
        for (path, body) in [
            ("/jobq/8/push", r#"{"spider":"s"}"#),
            ("/api/run.json", "project=8&spider=s"),
            ("/projects/8/settings", r#"{"a":1}"#),
        ] {
            let answer = http.post(path, body).await;
            assert_eq!(answer.status, 429, "{path}: {answer}");
        }
        assert_eq!(http.get("/ids/8/spider/s?create=1").await.status, 429);
        push(&stack.grpc(), 8, 1).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_project_holds_so_many_jobs_of_a_key() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let two = Quotas { jobs: Some(2), ..Quotas::default() };
        let (grpc, http) = caller(&stack, "ann", two).await;
        let full = "at most 2 pending and running jobs a project; try again later";
        assert_exceeded(&push(&grpc, 53, 3).await.unwrap_err(), "jobs", full);
        assert_eq!(push(&grpc, 53, 2).await.unwrap(), 2, "nothing of the call before");
        assert_exceeded(&push(&grpc, 53, 1).await.unwrap_err(), "jobs", full);
        let run = http.form("/api/run.json", &[("project", "53"), ("spider", "s")]).await;
        assert_eq!((run.status, run.json()), (429, json!({"status": "error", "message": full})));
        let ended = NewJob { state: JobState::Finished.into(), ..job_of("s") };
        let jobs = vec![ended];
        let ended = PushJobsRequest { project: 53, jobs, ..PushJobsRequest::default() };
        grpc.queue().push_jobs(ended).await.unwrap();
        http.post("/jobq/53/update", r#"{"key":"53/1/1","state":"finished"}"#).await.ok();
        assert_eq!(push(&grpc, 53, 1).await.unwrap(), 1, "an end makes room");
        // Another key may add more; a project may say less, for all keys.
        assert_eq!(push(&stack.grpc(), 53, 9).await.unwrap(), 9);
        stack.http().post("/projects/54/settings/max_jobs", "1").await.ok();
        let full = "at most 1 pending and running jobs a project; try again later";
        assert_exceeded(&push(&stack.grpc(), 54, 2).await.unwrap_err(), "jobs", full);
        assert_eq!(push(&stack.grpc(), 54, 1).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_server_has_quotas_for_keys_without_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_in(
        &[("SPIDERQ_QUOTA_WATCHES", "0")],
        &sqlite_url(folder.path()),
        &["--quota-jobs", "1", "--quota-projects", "1"],
    );
    let grpc = Grpc::new(&program.url, Stack::KEY);
    assert_eq!(push(&grpc, 1, 1).await.unwrap(), 1);
    assert_eq!(push(&grpc, 1, 1).await.unwrap_err().code(), Code::ResourceExhausted);
    assert_eq!(push(&grpc, 2, 1).await.unwrap_err().code(), Code::ResourceExhausted);
    let login = ["--server", &program.url, "--admin-key", Stack::KEY];
    let flags = ["key", "create", "ann", "--all-projects", "--jobs", "0", "--new-projects", "3"];
    let args: Vec<String> = flags.iter().chain(&login).map(|arg| (*arg).to_owned()).collect();
    let (status, made, error) = tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        spiderq_tests::run(&args)
    })
    .await
    .unwrap();
    assert!(status.success(), "{error}");
    assert!(made.contains("projects=3,jobs=none"), "{made}");
    let ann = Grpc::new(&program.url, made.lines().next().unwrap());
    assert_eq!(push(&ann, 1, 5).await.unwrap(), 5);
    assert_eq!(push(&ann, 2, 5).await.unwrap(), 5);
}
