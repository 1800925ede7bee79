//! The dash family: each path and the message that it becomes.

use http_body_util::BodyExt as _;
use spiderq_proto::{time::timestamp, v1::*};

use crate::{by_id, by_name, fake::Fake, fields, job, keys, texts};

fn scheduled(key: &str) -> ScheduleJobResponse {
    ScheduleJobResponse { job: Some(job(key)), warnings: Vec::new() }
}

#[tokio::test]
async fn run_schedules_as_in_the_original_documents() {
    let fake = Fake::default().responds(scheduled("123/1/1"));
    let reply = fake
        .post(
            "/api/run.json",
            "project=123&spider=somespider&units=2&add_tag=sometag&spiderarg1=example\
             &job_settings=%7B+%22setting1%22%3A+%22value1%22%7D",
        )
        .await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","jobid":"123/1/1"}"#));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let expected = NewJob {
        spider: Some(by_name("somespider")),
        tags: texts(&["sometag"]),
        units: Some(2),
        spider_args: fields(&[("spiderarg1", "example")]),
        job_settings_json: r#"{ "setting1": "value1"}"#.to_owned(),
        metadata_json: fields(&[("api_url", r#""http://spiderq.test:6900/api/""#)]),
        ..NewJob::default()
    };
    let expected =
        ScheduleJobRequest { project: 123, job: Some(expected), request_id: String::new() };
    assert_eq!(fake.request::<ScheduleJobRequest>(), expected);
}

#[tokio::test]
async fn run_tells_why_a_job_may_wait() {
    let warning = |text: &str| ScheduleWarning { message: text.to_owned(), ..Default::default() };
    let warnings = vec![warning("one \"x\""), warning("two")];
    let fake = Fake::default().responds(ScheduleJobResponse { warnings, ..scheduled("1/1/1") });
    let reply = fake.post("/api/run.json", "project=1&spider=s").await;
    let body = r#"{"status":"ok","jobid":"1/1/1","warnings":["one \"x\"","two"]}"#;
    assert_eq!(reply.code_and_body(), (200, body));
}

#[tokio::test]
async fn run_takes_every_parameter_from_query_and_form() {
    let fake = Fake::default().responds(scheduled("1/2/3"));
    let meta = r#"{"state":"running","spider_args":{"a":"0","b":"2"},"x":1566311822568.0,"tags":["t3"],"units":3,"priority":0}"#;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("jobq_id", "7")
        .append_pair("add_tag", "t1")
        .append_pair("add_tag", "t2")
        .append_pair("priority", "4")
        .append_pair("cmd_args", "--x 1")
        .append_pair("environment", r#"{"E":"\u0031", "F":""}"#)
        .append_pair("version", "1.0")
        .append_pair("meta", meta)
        .append_pair("a", "1")
        .append_pair("apikey", "no argument")
        .finish();
    let headers = [
        ("idempotency-key", "id-1"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
    ];
    let reply = fake.with("POST", "/api/schedule.json?project=1&apikey=K", &headers, form).await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","jobid":"1/2/3"}"#));
    let expected = NewJob {
        spider: Some(by_id(7)),
        tags: texts(&["t1", "t2", "t3"]),
        priority: Some(4),
        units: Some(3),
        spider_args: fields(&[("a", "1"), ("b", "2")]),
        cmd_args: Some("--x 1".to_owned()),
        metadata_json: fields(&[
            ("api_url", r#""http://spiderq.test:6900/api/""#),
            ("environment", r#"{"E":"\u0031", "F":""}"#),
            ("version", r#""1.0""#),
            ("x", "1566311822568.0"),
        ]),
        state: JobState::Running.into(),
        ..NewJob::default()
    };
    let request_id = "id-1".to_owned();
    let expected = ScheduleJobRequest { project: 1, job: Some(expected), request_id };
    assert_eq!(fake.request::<ScheduleJobRequest>(), expected);
    assert_eq!(fake.metadata().get("authorization").unwrap(), "Bearer K");
}

#[tokio::test]
async fn a_version_may_be_empty_and_goes_before_that_of_meta() {
    for (version, expected) in [("&version=", r#""""#), ("&version=v", r#""v""#), ("", "7")] {
        let fake = Fake::default().responds(scheduled("1/2/3"));
        let form = format!("project=1&spider=s&meta=%7B%22version%22:7%7D{version}");
        fake.post("/api/run.json", &form).await;
        let asked = fake.request::<ScheduleJobRequest>().job.unwrap();
        assert_eq!(
            (asked.metadata_json["version"].as_str(), asked.version.as_str()),
            (expected, "")
        );
    }
}

#[tokio::test]
async fn list_json_has_count_total_and_rows() {
    let fake = Fake::default().responds(ListJobsResponse {
        jobs: vec![job("1/2/3")],
        total_size: 9,
        read_time: Some(timestamp(4000)),
        ..ListJobsResponse::default()
    });
    let path = "/api/jobs/list.json?project=1&job=1/2/3&spider=s&state=finished&state=deleted\
                &has_tag=a&has_tag=b&lacks_tag=c&count=3&offset=5";
    let reply = fake.get(path).await;
    assert_eq!(
        reply.code_and_body(),
        (
            200,
            concat!(
                r#"{"status":"ok","count":1,"total":9,"jobs":[{"id":"1/2/3","spider":"s","#,
                r#""state":"finished","spider_type":"manual","priority":2,"tags":[],"#,
                r#""version":null,"close_reason":"no_reason","updated_time":"1970-01-01T00:00:01","elapsed":3000,"#,
                r#""items_scraped":0,"responses_received":0,"errors_count":0,"logs":0}]}"#
            )
        )
    );
    let expected = ListJobsRequest {
        project: 1,
        filter: Some(JobFilter {
            states: vec![3, 4],
            spiders: vec![by_name("s")],
            has_tags: texts(&["a", "b"]),
            lacks_tags: texts(&["c"]),
            keys: texts(&["1/2/3"]),
            ..JobFilter::default()
        }),
        page_size: 3,
        skip: 5,
        metadata_fields: texts(&["close_reason", "spider_args", "spider_type", "version"]),
        with_total_size: true,
        order: ListOrder::State.into(),
        ..ListJobsRequest::default()
    };
    assert_eq!(fake.request::<ListJobsRequest>(), expected);
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page() {
    let page = |keys: &[&str], token: &str| ListJobsResponse {
        jobs: keys.iter().map(|key| job(key)).collect(),
        next_page_token: token.to_owned(),
        total_size: 5000,
        read_time: Some(timestamp(1000)),
    };
    let pages = || {
        Fake::default()
            .responds(page(&["1/1/4", "1/1/3"], "T"))
            .responds(page(&["1/1/2", "1/1/1"], "U"))
    };
    let fake = pages();
    let reply = fake.get("/api/jobs/list.json?project=1&count=3&offset=2").await;
    let body: serde_json::Value = serde_json::from_slice(&reply.bytes).unwrap();
    assert_eq!((&body["count"], &body["total"]), (&3.into(), &5000.into()));
    assert_eq!(body["jobs"][2]["id"], "1/1/2");
    let requests = fake.requests::<ListJobsRequest>();
    let requests =
        requests.iter().map(|r| (r.page_size, r.page_token.as_str(), r.skip, r.with_total_size));
    // A token is good only for a request that asks for the same.
    assert_eq!(requests.collect::<Vec<_>>(), [(3, "", 2, true), (1, "T", 2, true)]);

    let fake = pages();
    let reply = fake.get("/api/jobs/list.jl?project=1&count=4").await;
    let lines: Vec<&str> = reply.code_and_body().1.lines().collect();
    assert_eq!((lines.len(), lines[0]), (5, r#"{"status":"ok"}"#));
    assert!(lines[4].starts_with(r#"{"id":"1/1/1","spider":"s","#));
    assert_eq!(reply.header("content-type"), Some("application/x-jsonlines"));
    assert_eq!(fake.calls(), 2);
}

/// As a page with its rows is sent, the next is not asked for yet.
#[tokio::test]
async fn a_list_of_any_length_has_one_page_in_memory_at_a_time() {
    let page = |keys: &[&str], token: &str| ListJobsResponse {
        jobs: keys.iter().map(|key| job(key)).collect(),
        next_page_token: token.to_owned(),
        total_size: 5000,
        read_time: Some(timestamp(1000)),
    };
    for (path, begin, end) in [
        (
            "/api/jobs/list.json",
            r#"{"status":"ok","total":5000,"jobs":[{"id":"1/1/4","#,
            r#"}],"count":3}"#,
        ),
        ("/api/jobs/list.jl", "{\"status\":\"ok\"}\n{\"id\":\"1/1/4\",", "}\n"),
    ] {
        let fake =
            Fake::default().responds(page(&["1/1/4", "1/1/3"], "T")).responds(page(&["1/1/2"], ""));
        let path = format!("{path}?project=1&apikey=K&count=18446744073709551615");
        let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let mut body = fake.send(request).await.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(fake.calls(), 1);
        let rest = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8([first, rest].concat()).unwrap();
        assert!(text.starts_with(begin) && text.ends_with(end), "{text}");
        assert_eq!(text.matches(r#""id":"#).count(), 3);
        assert_eq!(fake.requests::<ListJobsRequest>()[1].page_token, "T");
    }
}

#[tokio::test]
async fn an_empty_list_has_no_rows() {
    let reply = Fake::default().get("/api/jobs/list.json?project=1").await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","count":0,"total":0,"jobs":[]}"#));
    let fake = Fake::default();
    let reply = fake.get("/api/jobs/list.jl?project=1").await;
    assert_eq!(reply.code_and_body(), (200, "{\"status\":\"ok\"}\n"));
    assert_eq!(fake.request::<ListJobsRequest>().page_size, 1000);
}

#[tokio::test]
async fn count_zero_gives_the_total_without_rows() {
    let fake = Fake::default().responds(ListJobsResponse {
        jobs: vec![job("1/1/1")],
        next_page_token: "T".to_owned(),
        total_size: 8,
        ..ListJobsResponse::default()
    });
    let reply = fake.get("/api/jobs/list.json?project=1&count=0").await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","count":0,"total":8,"jobs":[]}"#));
    assert_eq!(fake.request::<ListJobsRequest>().page_size, 1);
}

#[tokio::test]
async fn count_has_the_total() {
    let fake = Fake::default().responds(CountJobsResponse { count: 7 });
    let reply = fake.get("/api/jobs/count.json/?project=1&state=pending").await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","total":7}"#));
    let filter = JobFilter { states: vec![1], ..JobFilter::default() };
    let expected = CountJobsRequest { project: 1, filter: Some(filter) };
    assert_eq!(fake.request::<CountJobsRequest>(), expected);
}

#[tokio::test]
async fn update_changes_tags_and_metadata() {
    let fake =
        Fake::default().responds(UpdateJobsResponse { count: 2, next_page_token: String::new() });
    let form = "project=1&job=1/1/1&job=1/1/2&add_tag=a&remove_tag=b&note=x+y&priority=3";
    let reply = fake.post("/api/jobs/update.json", form).await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","count":2}"#));
    let expected = UpdateJobsRequest {
        project: 1,
        filter: keys(&["1/1/1", "1/1/2"]),
        tag_changes: Some(TagChanges { add: texts(&["a"]), remove: texts(&["b"]), replace: false }),
        metadata_json: fields(&[("note", "\"x y\""), ("priority", "3")]),
        ..UpdateJobsRequest::default()
    };
    assert_eq!(fake.request::<UpdateJobsRequest>(), expected);

    let filter = "spider=s&spider=t&state=pending&state=running&has_tag=x&lacks_tag=y&lacks_tag=z\
                  &startts=5&endts=9";
    for (jobs, keys) in [("", texts(&[])), ("&job=1/1/1", texts(&["1/1/1"]))] {
        let fake = Fake::default();
        let form = format!("project=1&{filter}{jobs}&add_tag=a");
        fake.post("/api/jobs/update.json", &form).await;
        let expected = JobFilter {
            states: vec![1, 2],
            spiders: vec![by_name("s"), by_name("t")],
            has_tags: texts(&["x"]),
            lacks_tags: texts(&["y", "z"]),
            from_state_time: Some(timestamp(5)),
            before_state_time: Some(timestamp(9)),
            keys,
            ..JobFilter::default()
        };
        let request = fake.request::<UpdateJobsRequest>();
        assert_eq!(request.filter, Some(expected));
        assert!(request.metadata_json.is_empty());
    }
}

#[tokio::test]
async fn an_update_of_many_jobs_goes_on_until_none_is_left() {
    let changed =
        |count, token: &str| UpdateJobsResponse { count, next_page_token: token.to_owned() };
    let fake = Fake::default()
        .responds(changed(10_000, "T"))
        .responds(changed(0, "U"))
        .responds(changed(7, ""));
    let reply = fake.post("/api/jobs/update.json", "project=1&has_tag=x&remove_tag=x").await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","count":10007}"#));
    let requests = fake.requests::<UpdateJobsRequest>();
    assert!(requests.iter().map(|one| one.page_token.as_str()).eq(["", "T", "U"]));
    assert!(
        requests
            .iter()
            .all(|one| one.filter == requests[0].filter
                && one.tag_changes == requests[0].tag_changes)
    );
}

#[tokio::test]
async fn delete_stop_and_restore_take_keys() {
    let fake =
        Fake::default().responds(DeleteJobsResponse { count: 2, ..DeleteJobsResponse::default() });
    let reply = fake.post("/api/jobs/delete.json", "project=123&job=123/1/2&job=123/1/3").await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","count":2}"#));
    let two = keys(&["123/1/2", "123/1/3"]);
    let expected = DeleteJobsRequest { project: 123, filter: two.clone(), ..Default::default() };
    assert_eq!(fake.request::<DeleteJobsRequest>(), expected);

    // A running job is a conflict over gRPC; clients of this path know a 400.
    let running = "job 123/1/2 is running: stop it first";
    let fake = Fake::default().responds(tonic::Status::failed_precondition(running));
    let reply = fake.post("/api/jobs/delete.json", "project=123&job=123/1/2").await;
    let body = format!(r#"{{"status":"error","message":"{running}"}}"#);
    assert_eq!(reply.code_and_body(), (400, body.as_str()));

    let fake =
        Fake::default().responds(StopJobsResponse { count: 1, ..StopJobsResponse::default() });
    let reply = fake.post("/api/jobs/stop.json?project=123", "job=123/1/1").await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok"}"#));
    let filter = keys(&["123/1/1"]);
    let expected = StopJobsRequest { project: 123, filter, ..StopJobsRequest::default() };
    assert_eq!(fake.request::<StopJobsRequest>(), expected);

    let fake = Fake::default()
        .responds(RestoreJobsResponse { count: 1, ..RestoreJobsResponse::default() });
    let headers =
        [("idempotency-key", "id"), ("content-type", "application/x-www-form-urlencoded")];
    let form = "project=123&job=123/1/2&job=123/1/3";
    let reply = fake.with("POST", "/api/jobs/restore.json", &headers, form).await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","count":1}"#));
    let expected = RestoreJobsRequest {
        project: 123,
        filter: two,
        request_id: "id".to_owned(),
        ..RestoreJobsRequest::default()
    };
    assert_eq!(fake.request::<RestoreJobsRequest>(), expected);
}
