//! The queue of the storage family: each path and the message that it becomes.

use prost::Message as _;
use spiderq_proto::v1::{
    cancel_jobs_request::Selection, job_update::Target, updated_job::Result as Updated,
};
use spiderq_proto::{
    RpcStatus,
    time::{duration, timestamp},
    v1::*,
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{by_id, by_name, fake::Fake, fields, job, keys, texts};

fn pushed(key: &str, token: &str) -> PushedJob {
    let job = AddedJob { key: key.to_owned(), token: token.to_owned() };
    PushedJob { result: Some(pushed_job::Result::Added(job)) }
}

fn not_pushed(error: RpcStatus) -> PushedJob {
    PushedJob { result: Some(pushed_job::Result::Error(error)) }
}

fn refused(code: Code, message: &str) -> RpcStatus {
    RpcStatus { code: code.into(), message: message.to_owned(), details: Vec::new() }
}

/// The refusal of a field by its path.
fn bad_field(path: &str, accepted: &str) -> RpcStatus {
    let details = ErrorDetails::with_bad_request_violation(path, accepted);
    let status = Status::with_error_details(Code::InvalidArgument, "another text", details);
    RpcStatus::decode(status.details()).unwrap()
}

#[tokio::test]
async fn count_is_a_bare_integer() {
    let fake = Fake::default().responds(CountJobsResponse { count: 32_110 });
    let path =
        "/jobq/53/count?spider=s&state=pending&startts=1&endts=9&has_tag=A&has_tag=B&lacks_tag=C";
    let reply = fake.get(path).await;
    assert_eq!(reply.code_and_body(), (200, "32110"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let expected = CountJobsRequest {
        project: 53,
        filter: Some(JobFilter {
            states: vec![1],
            spiders: vec![by_name("s")],
            has_tags: texts(&["A", "B"]),
            lacks_tags: texts(&["C"]),
            from_state_time: Some(timestamp(1)),
            before_state_time: Some(timestamp(9)),
            ..JobFilter::default()
        }),
    };
    assert_eq!(fake.request::<CountJobsRequest>(), expected);
}

#[tokio::test]
async fn count_and_list_are_about_finished_jobs_unless_states_or_keys_are_given() {
    let states = |states: &[JobState]| {
        let states = states.iter().map(|state| (*state).into()).collect();
        Some(JobFilter { states, ..JobFilter::default() })
    };
    for (query, filter) in [
        ("", states(&[JobState::Finished])),
        ("?state=deleted", states(&[JobState::Deleted])),
        ("?key=1/1/1", keys(&["1/1/1"])),
    ] {
        let fake = Fake::default();
        fake.get(&format!("/jobq/1/count{query}")).await;
        assert_eq!(fake.request::<CountJobsRequest>().filter, filter, "{query}");
        let fake = Fake::default();
        fake.get(&format!("/jobq/1/list{query}")).await;
        let request = fake.request::<ListQueueRequest>();
        assert_eq!(request.filter, filter, "{query}");
        assert_eq!(request.metadata_fields, texts(&["close_reason", "version"]));
    }
}

#[tokio::test]
async fn list_takes_every_parameter_and_has_a_line_per_job() {
    let elapsed = Some(duration(7));
    let row = |key: &str| Ok::<_, Status>(ListQueueResponse { job: Some(job(key)), elapsed });
    let fake = Fake::default().responds(vec![row("53/7/81"), row("53/7/80")]);
    let path = "/jobq/53/list/?state=finished&count=5&start=2&stop=53/7/78&key=53/7/81&key=53/7/80\
                &jobmeta=units&jobmeta=x&filter=%5B%22state%22%5D";
    let reply = fake.get(path).await;
    assert_eq!(
        reply.code_and_body(),
        (
            200,
            concat!(
                r#"{"key":"53/7/81","ts":1397762393489,"state":"finished","elapsed":7,"units":1}"#,
                "\n",
                r#"{"key":"53/7/80","ts":1397762393489,"state":"finished","elapsed":7,"units":1}"#,
                "\n"
            )
        )
    );
    assert_eq!(reply.header("content-type"), Some("application/x-jsonlines"));
    let expected = ListQueueRequest {
        project: 53,
        filter: Some(JobFilter {
            states: vec![3],
            keys: texts(&["53/7/81", "53/7/80"]),
            ..JobFilter::default()
        }),
        skip: 2,
        limit: 5,
        stop: "53/7/78".to_owned(),
        metadata_fields: texts(&["units", "x"]),
        ..ListQueueRequest::default()
    };
    assert_eq!(fake.request::<ListQueueRequest>(), expected);
}

#[tokio::test]
async fn push_has_a_line_for_each_line_in_order() {
    let fake = Fake::default().responds(PushJobsResponse {
        results: vec![
            pushed("1/1/1", ""),
            pushed("1/1/2", "TOKEN"),
            not_pushed(refused(Code::AlreadyExists, "an active job has it")),
            not_pushed(bad_field(
                "jobs[3].priority",
                "must be an integer from 0 (lowest) to 4 (highest)",
            )),
        ],
    });
    let body = concat!(
        "{\"spider\": \"s\", \"x\": 1566311822568.0, \"unique\": null}\n",
        "{\"spider\":\"s\",\"state\":\"running\",\"units\":6,\"tags\":[\"a\"]}\n",
        "{\"spider\":\"s\",\"price\":NaN}\n",
        "{\"spider\":\"s\",\"unique\":\"U 1\"}\n",
        "{\"spider\":\"s\",\"priority\":\"high\"}\n",
        "{\"spider\":\"s\",\"priority\":9}\n",
    );
    let headers = [("content-type", "text/json"), ("idempotency-key", "id")];
    let reply = fake.with("POST", "/jobq/1/push", &headers, body).await;
    assert_eq!(reply.header("content-type"), Some("application/x-jsonlines"));
    assert_eq!(
        reply.code_and_body(),
        (
            200,
            concat!(
                "{\"key\":\"1/1/1\",\"auth\":null}\n",
                "{\"key\":\"1/1/2\",\"auth\":\"TOKEN\"}\n",
                "{\"error\":\"price: must be JSON, which NaN is not\",",
                "\"request\":\"{\\\"spider\\\":\\\"s\\\",\\\"price\\\":NaN}\"}\n",
                "{\"error\":\"Active job exists with key U 1\",",
                "\"request\":{\"spider\":\"s\",\"unique\":\"U 1\"}}\n",
                "{\"error\":\"priority: must be an integer from 0 (lowest) to 4 (highest)\",",
                "\"request\":{\"spider\":\"s\",\"priority\":\"high\"}}\n",
                "{\"error\":\"priority: must be an integer from 0 (lowest) to 4 (highest)\",",
                "\"request\":{\"spider\":\"s\",\"priority\":9}}\n",
            )
        )
    );
    let spider = || NewJob { spider: Some(by_name("s")), ..NewJob::default() };
    let expected = PushJobsRequest {
        project: 1,
        jobs: vec![
            NewJob { metadata_json: fields(&[("x", "1566311822568.0")]), ..spider() },
            NewJob {
                state: JobState::Running.into(),
                units: Some(6),
                tags: texts(&["a"]),
                ..spider()
            },
            NewJob { unique_key: "U 1".to_owned(), ..spider() },
            NewJob { priority: Some(9), ..spider() },
        ],
        request_id: "id".to_owned(),
    };
    assert_eq!(fake.request::<PushJobsRequest>(), expected);
}

#[tokio::test]
async fn a_long_push_goes_in_batches_and_a_late_error_stands_in_its_lines() {
    let first =
        PushJobsResponse { results: (1..=1000).map(|n| pushed(&format!("1/1/{n}"), "")).collect() };
    let fake = Fake::default().responds(first).responds(Status::unavailable("try again"));
    let headers = [("idempotency-key", "id")];
    let body = "{\"spider\":\"s\"}\n".repeat(1001);
    let reply = fake.with("POST", "/jobq/1/push", &headers, body).await;
    let lines: Vec<&str> = reply.code_and_body().1.lines().collect();
    assert_eq!(lines.len(), 1001);
    assert_eq!(lines[999], r#"{"key":"1/1/1000","auth":null}"#);
    let text = "no answer came, this may have been done; look before trying again";
    let last = format!("{{\"error\":\"{text}\",\"request\":{{\"spider\":\"s\"}}}}");
    assert_eq!(lines[1000], last);
    let requests = fake.requests::<PushJobsRequest>();
    let requests = requests.iter().map(|r| (r.jobs.len(), r.request_id.as_str()));
    assert_eq!(requests.collect::<Vec<_>>(), [(1000, "id"), (1, "id/1")]);
}

#[tokio::test]
async fn a_push_of_nothing_still_needs_a_key_but_is_no_error() {
    let fake = Fake::default().responds(Status::invalid_argument("jobs: 1 to 1,000"));
    assert_eq!(fake.post("/jobq/1/push", "").await.code_and_body(), (200, ""));
    let fake = Fake::default().responds(Status::unauthenticated("no"));
    assert_eq!(fake.post("/jobq/1/push", "7").await.code_and_body().0, 401);
}

#[tokio::test]
async fn update_has_a_line_for_each_job_and_each_bad_line() {
    let updated = |update_index, key: &str, error: Option<RpcStatus>| UpdatedJob {
        key: key.to_owned(),
        update_index,
        result: Some(error.map_or_else(
            || Updated::Made(MadeUpdate { previous_state: JobState::Running.into() }),
            Updated::Error,
        )),
    };
    let error = refused(Code::FailedPrecondition, "job 1/1/2 is deleted");
    let fake = Fake::default().responds(UpdateQueueResponse {
        results: vec![
            updated(0, "1/1/1", None),
            updated(1, "1/1/3", None),
            updated(1, "1/1/2", Some(error)),
        ],
    });
    let body = "{\"key\":\"1/1/1\",\"state\":\"finished\",\"close_reason\":\"finished\",\"fence\":\"F\"}\n\
                {\"key\":\"1/1\",\"tags\":[\"a\"]}";
    let reply = fake.post("/jobq/1/update", body).await;
    assert_eq!(
        reply.code_and_body(),
        (
            200,
            "{\"key\":\"1/1/1\",\"prevstate\":\"running\"}\n\
             {\"key\":\"1/1/3\",\"prevstate\":\"running\"}\n\
             {\"key\":\"1/1/2\",\"error\":\"job 1/1/2 is deleted\"}\n"
        )
    );
    let expected = UpdateQueueRequest {
        project: 1,
        updates: vec![
            JobUpdate {
                target: Some(Target::Key("1/1/1".to_owned())),
                state: JobState::Finished.into(),
                metadata_json: fields(&[("close_reason", "\"finished\"")]),
                fence: "F".to_owned(),
                ..JobUpdate::default()
            },
            JobUpdate {
                target: Some(Target::Spider(by_id(1))),
                metadata_json: fields(&[("tags", "[\"a\"]")]),
                ..JobUpdate::default()
            },
        ],
        request_id: String::new(),
    };
    assert_eq!(fake.request::<UpdateQueueRequest>(), expected);

    // A job that does not exist has no line, and a line that the service refuses has no key.
    let error = bad_field("updates[1].priority", "is bad");
    let missing = refused(Code::NotFound, "there is no job 1/1/9");
    let fake = Fake::default().responds(UpdateQueueResponse {
        results: vec![
            updated(0, "1/1/9", Some(missing)),
            updated(1, "", Some(error)),
            updated(2, "1/1/4", None),
        ],
    });
    let body = "{\"key\":\"1/1/9\"}\nno json\n{\"key\":\"1/1/8\"}\n{\"key\":\"x\"}\n{}\n\
                {\"key\":\"2/1\"}\n{\"key\":\"1/1/4\"}";
    let reply = fake.post("/jobq/1/update", body).await;
    let expected = [
        r#"{"error":"body: must be a JSON object: expected ident at line 1 column 2","request":"no json"}"#,
        r#"{"error":"priority: is bad","request":{"key":"1/1/8"}}"#,
        r#"{"error":"key: must be a job key like 53/7/81 or a spider key like 53/7","request":{"key":"x"}}"#,
        r#"{"error":"key: is required, a job key like 123/1/2","request":{}}"#,
        r#"{"error":"key: must be a key of project 1","request":{"key":"2/1"}}"#,
        r#"{"key":"1/1/4","prevstate":"running"}"#,
        "",
    ];
    assert_eq!(reply.code_and_body(), (200, expected.join("\n").as_str()));
    let updates = fake.request::<UpdateQueueRequest>().updates.into_iter();
    let targets: Vec<_> = updates.filter_map(|one| one.target).collect();
    assert_eq!(targets, ["1/1/9", "1/1/8", "1/1/4"].map(|key| Target::Key(key.to_owned())));
}

#[tokio::test]
async fn cancel_takes_a_path_an_array_lines_or_a_count() {
    let two = || keys(&["1/2/3", "1/2/4"]);
    for (path, body, filter, oldest_pending) in [
        ("/jobq/1/2/3/cancel", "", keys(&["1/2/3"]), None),
        ("/jobq/1/cancel", r#"[{"key": "1/2/3"}, {"key": "1/2/4"}]"#, two(), None),
        ("/jobq/1/cancel", "{\"key\":\"1/2/3\"}\n{\"key\":\"1/2/4\"}\n", two(), None),
        ("/jobq/1/cancel?count=100", "", None, Some(100)),
    ] {
        let response = CancelJobsResponse { count: 2, ..CancelJobsResponse::default() };
        let fake = Fake::default().responds(response);
        let reply = fake.post(path, body).await;
        assert_eq!(reply.code_and_body(), (200, r#"{"count":2}"#), "{path}");
        let expected = CancelJobsRequest {
            project: 1,
            selection: filter
                .map(Selection::Filter)
                .or(oldest_pending.map(Selection::OldestPending)),
            ..CancelJobsRequest::default()
        };
        assert_eq!(fake.request::<CancelJobsRequest>(), expected, "{path}");
    }
}
