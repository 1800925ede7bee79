//! The queue of the storage family: each path and the message that it becomes.

use spiderq_proto::v1::*;
use tonic::Status;

use crate::{fake::Fake, fields, job, texts};

fn pushed(key: &str, token: &str) -> PushedJob {
    PushedJob { result: Some(pushed_job::Result::Key(key.to_owned())), token: token.to_owned() }
}

fn refused(code: job_error::Code, message: &str, field: &str) -> JobError {
    let (message, field) = (message.to_owned(), field.to_owned());
    JobError { code: code.into(), message, field, ..JobError::default() }
}

#[tokio::test]
async fn count_is_a_bare_integer() {
    let fake = Fake::default().responds(CountQueueResponse { count: 32_110 });
    let path =
        "/jobq/53/count?spider=s&state=pending&startts=1&endts=9&has_tag=A&has_tag=B&lacks_tag=C";
    let reply = fake.get(path).await;
    assert_eq!(reply.code_and_body(), (200, "32110"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let expected = CountQueueRequest {
        project: 53,
        filter: Some(JobFilter {
            states: vec![1],
            spiders: texts(&["s"]),
            has_tags: texts(&["A", "B"]),
            lacks_tags: texts(&["C"]),
            start_ts: 1,
            end_ts: 9,
            keys: Vec::new(),
        }),
    };
    assert_eq!(fake.request::<CountQueueRequest>(), expected);
}

#[tokio::test]
async fn list_takes_every_parameter_and_has_a_line_per_job() {
    let row = |key: &str| Ok::<_, Status>(ListQueueResponse { job: Some(job(key)), elapsed: 7 });
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
        start: 2,
        count: 5,
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
            PushedJob {
                result: Some(pushed_job::Result::Error(refused(
                    job_error::Code::Duplicate,
                    "an active job has it",
                    "unique",
                ))),
                token: String::new(),
            },
            PushedJob {
                result: Some(pushed_job::Result::Error(refused(
                    job_error::Code::InvalidArgument,
                    "priority: must be an integer from 0 (lowest) to 4 (highest)",
                    "priority",
                ))),
                token: String::new(),
            },
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
    let spider = || NewJob { spider: "s".to_owned(), ..NewJob::default() };
    let expected = PushJobsRequest {
        project: 1,
        jobs: vec![
            NewJob { metadata: fields(&[("x", "1566311822568.0")]), ..spider() },
            NewJob {
                state: JobState::Running.into(),
                units: Some(6),
                tags: texts(&["a"]),
                ..spider()
            },
            NewJob { unique: "U 1".to_owned(), ..spider() },
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
    assert_eq!(lines[1000], r#"{"error":"try again","request":{"spider":"s"}}"#);
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
async fn startjob_has_the_whole_job_or_no_body() {
    let fake = Fake::default().responds(StartJobResponse {
        job: Some(Job { metadata: fields(&[("x", "[ 1.0 ]")]), ..job("1/2/3") }),
        token: "TOKEN".to_owned(),
        ..StartJobResponse::default()
    });
    let headers = [("idempotency-key", "id")];
    let body = "{\"botgroup\": [\"g\"], \"spider\": \"s\"}";
    let reply = fake.with("POST", "/jobq/1/startjob", &headers, body).await;
    assert_eq!(
        reply.code_and_body(),
        (
            200,
            concat!(
                r#"{"auth":"TOKEN","key":"1/2/3","priority":2,"project":1,"spider":"s","#,
                r#""state":"finished","tags":[],"units":1,"x":[ 1.0 ]}"#,
                "\n"
            )
        )
    );
    let expected = StartJobRequest {
        project: 1,
        spiders: texts(&["s"]),
        metadata: fields(&[("botgroup", "[\"g\"]")]),
        lease_ms: Some(0),
        wait_ms: 0,
        request_id: "id".to_owned(),
        ..StartJobRequest::default()
    };
    assert_eq!(fake.request::<StartJobRequest>(), expected);
    for body in ["", "{}"] {
        assert_eq!(Fake::default().post("/jobq/1/startjob", body).await.code_and_body(), (200, ""));
    }
}

#[tokio::test]
async fn startjob_with_a_lease_also_has_the_fence_and_the_end_of_the_lease() {
    let fake = Fake::default().responds(StartJobResponse {
        job: Some(Job { metadata: fields(&[("fence", "1")]), ..job("1/2/3") }),
        token: "TOKEN".to_owned(),
        fence: "FENCE".to_owned(),
        lease_expires: 1_566_311_831_163,
    });
    let reply = fake.post("/jobq/1/startjob?lease=30&wait=20", "").await;
    assert_eq!(
        reply.code_and_body(),
        (
            200,
            concat!(
                r#"{"auth":"TOKEN","fence":"FENCE","key":"1/2/3","lease_expires":1566311831163,"#,
                r#""priority":2,"project":1,"spider":"s","state":"finished","tags":[],"units":1}"#,
                "\n"
            )
        )
    );
    let request = fake.request::<StartJobRequest>();
    assert_eq!(request.lease_ms, Some(30_000));
    // This gateway's responses must begin within 200 ms, which is less than the wait leaves.
    assert_eq!(request.wait_ms, 0);
}

#[tokio::test]
async fn a_heartbeat_takes_fence_lease_and_counters_or_nothing() {
    let counted = JobCounters { items: Some(1), pages: Some(2), logs: Some(3), errors: Some(0) };
    let everything = r#"{"fence":"F","lease":30,"items":1,"pages":2,"logs":3,"errors":0,"x":[]}"#;
    for (body, fence, lease_ms, counters) in [
        (everything, "F", Some(30_000), counted),
        ("", "", None, JobCounters::default()),
        (r#"{"lease":null,"items":null}"#, "", None, JobCounters::default()),
    ] {
        let response =
            HeartbeatResponse { lease_expires: 1_566_311_831_163, stop_requested: body.is_empty() };
        let fake = Fake::default().responds(response);
        let reply = fake.post("/jobq/1/2/3/heartbeat", body).await;
        let expected = match body {
            "" => r#"{"lease_expires":1566311831163,"stop_requested":true}"#,
            _ => r#"{"lease_expires":1566311831163,"stop_requested":false}"#,
        };
        assert_eq!(reply.code_and_body(), (200, expected));
        let expected = HeartbeatRequest {
            key: "1/2/3".to_owned(),
            fence: fence.to_owned(),
            lease_ms,
            counters: Some(counters),
        };
        assert_eq!(fake.request::<HeartbeatRequest>(), expected);
    }
}

#[tokio::test]
async fn update_has_a_line_for_each_job_and_each_bad_line() {
    let updated = |update, key: &str, error: Option<JobError>| UpdatedJob {
        key: key.to_owned(),
        previous_state: JobState::Running.into(),
        error,
        update,
    };
    let error = refused(job_error::Code::WrongState, "job 1/1/2 is deleted", "");
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
                key: "1/1/1".to_owned(),
                state: JobState::Finished.into(),
                metadata: fields(&[("close_reason", "\"finished\"")]),
                fence: "F".to_owned(),
                ..JobUpdate::default()
            },
            JobUpdate {
                key: "1/1".to_owned(),
                metadata: fields(&[("tags", "[\"a\"]")]),
                ..JobUpdate::default()
            },
        ],
        request_id: String::new(),
    };
    assert_eq!(fake.request::<UpdateQueueRequest>(), expected);

    // A job that does not exist has no line, and a line that the service refuses has no key.
    let error = refused(job_error::Code::InvalidArgument, "key: must be a job key", "key");
    let fake = Fake::default().responds(UpdateQueueResponse {
        results: vec![updated(1, "", Some(error)), updated(2, "1/1/4", None)],
    });
    let body = "{\"key\":\"1/1/9\"}\nno json\n{\"key\":\"x\"}\n{}\n{\"key\":\"1/1/4\"}";
    let reply = fake.post("/jobq/1/update", body).await;
    let expected = [
        r#"{"error":"body: must be a JSON object: expected ident at line 1 column 2","request":"no json"}"#,
        r#"{"error":"key: must be a job key","request":{"key":"x"}}"#,
        r#"{"error":"key: is required, a job key like 123/1/2","request":{}}"#,
        r#"{"key":"1/1/4","prevstate":"running"}"#,
        "",
    ];
    assert_eq!(reply.code_and_body(), (200, expected.join("\n").as_str()));
    let keys: Vec<String> =
        fake.request::<UpdateQueueRequest>().updates.into_iter().map(|one| one.key).collect();
    assert_eq!(keys, ["1/1/9", "x", "1/1/4"]);
}

#[tokio::test]
async fn cancel_takes_a_path_an_array_lines_or_a_count() {
    for (path, body, keys, oldest_pending) in [
        ("/jobq/1/2/3/cancel", "", &["1/2/3"][..], 0),
        ("/jobq/1/cancel", r#"[{"key": "1/2/3"}, {"key": "1/2/4"}]"#, &["1/2/3", "1/2/4"], 0),
        ("/jobq/1/cancel", "{\"key\":\"1/2/3\"}\n{\"key\":\"1/2/4\"}\n", &["1/2/3", "1/2/4"], 0),
        ("/jobq/1/cancel?count=100", "", &[], 100),
    ] {
        let fake = Fake::default().responds(CancelJobsResponse { count: 2 });
        let reply = fake.post(path, body).await;
        assert_eq!(reply.code_and_body(), (200, r#"{"count":2}"#), "{path}");
        let expected = CancelJobsRequest {
            project: 1,
            keys: texts(keys),
            oldest_pending,
            request_id: String::new(),
        };
        assert_eq!(fake.request::<CancelJobsRequest>(), expected, "{path}");
    }
}
