//! Summaries of queues, spiders and projects: path → message, response → body.

use spiderq_proto::{
    time::{duration, timestamp},
    v1::*,
};

use crate::{by_id, fake::Fake, job, keys, texts};

const ROW: &str =
    r#"{"key":"1/1/1","ts":1397762393489,"state":"finished","elapsed":11,"spider":"s"}"#;
const NOW: i64 = 1_397_762_393_500;

fn summary(state: JobState, count: i64, jobs: Vec<Job>) -> StateSummary {
    StateSummary { state: state.into(), count, jobs }
}

#[tokio::test]
async fn a_queue_is_summarized_with_a_line_per_state() {
    let response = SummarizeQueueResponse {
        states: vec![
            summary(JobState::Pending, 0, Vec::new()),
            summary(JobState::Finished, 12, vec![job("1/1/1"), job("1/1/1")]),
        ],
        read_time: Some(timestamp(NOW)),
    };
    let fake = Fake::default().responds(response);
    let reply = fake.get("/jobq/53/summary").await;
    let expected = format!(
        "{}\n{{\"name\":\"finished\",\"count\":12,\"summary\":[{ROW},{ROW}]}}\n",
        r#"{"name":"pending","count":0,"summary":[]}"#
    );
    assert_eq!(reply.code_and_body(), (200, expected.as_str()));
    assert_eq!(reply.header("content-type"), Some("application/x-jsonlines"));
    let metadata_fields = texts(&["close_reason", "version"]);
    let expected = SummarizeQueueRequest { project: 53, metadata_fields, ..Default::default() };
    assert_eq!(fake.request::<SummarizeQueueRequest>(), expected);
}

#[tokio::test]
async fn a_summary_takes_spider_state_rows_and_fields() {
    let expected = SummarizeQueueRequest {
        project: 53,
        spider: Some(by_id(7)),
        state: JobState::Running.into(),
        jobs_per_state: Some(0),
        skip: 2,
        metadata_fields: texts(&["a", "b"]),
    };
    let fake = Fake::default();
    let query = "count=0&start=2&jobmeta=a&jobmeta=b";
    fake.get(&format!("/jobq/53/7/summary/running?{query}")).await;
    assert_eq!(fake.request::<SummarizeQueueRequest>(), expected);
    for (path, spider, state) in [
        ("/jobq/53/summary/deleted", None, JobState::Deleted),
        ("/jobq/53/7/summary", Some(by_id(7)), JobState::Unspecified),
    ] {
        let fake = Fake::default();
        assert_eq!(fake.get(path).await.code, 200, "{path}");
        let request = fake.request::<SummarizeQueueRequest>();
        assert_eq!((request.state(), request.spider), (state, spider));
    }
    for (path, body_text) in [
        ("/jobq/53/summary/done", "state: must be one of pending, running, finished, deleted"),
        ("/jobq/53/x/summary", "spider: must be a positive integer"),
        ("/jobq/53/summary?count=-1", "count: must be an integer, 0 or more"),
    ] {
        let reply = Fake::default().get(path).await;
        let body = format!(r#"{{"error":"Bad Request","message":"{body_text}"}}"#);
        assert_eq!(reply.code_and_body(), (400, body.as_str()));
    }
}

#[tokio::test]
async fn jobs_are_summarized_by_key() {
    let row = || ListQueueResponse { job: Some(job("1/1/1")), elapsed: Some(duration(11)) };
    let fake = Fake::default().responds(vec![Ok::<_, tonic::Status>(row())]);
    let reply = fake.get("/jobq/1/jobsummary?key=1/1/1&key=1/1/2&jobmeta=spider").await;
    assert_eq!(reply.code_and_body(), (200, format!("{ROW}\n").as_str()));
    let expected = ListQueueRequest {
        project: 1,
        filter: keys(&["1/1/1", "1/1/2"]),
        metadata_fields: texts(&["spider"]),
        ..Default::default()
    };
    assert_eq!(fake.request::<ListQueueRequest>(), expected);
    let fake = Fake::default().responds(vec![Ok::<_, tonic::Status>(row())]);
    assert_eq!(fake.get("/jobq/1/jobsummary").await.code_and_body(), (200, ""));
}

#[tokio::test]
async fn last_jobs_are_read_page_by_page() {
    let page = |spiders: std::ops::RangeInclusive<i64>, token: &str| ListLastJobsResponse {
        jobs: spiders.map(|spider| job(&format!("1/{spider}/1"))).collect(),
        next_page_token: token.to_owned(),
        read_time: Some(timestamp(NOW)),
    };
    let fake = Fake::default().responds(page(1..=1000, "T")).responds(page(1001..=1002, ""));
    let reply = fake.get("/spiders/1/lastjobsummary?count=1500&start=3&startafter=1/0").await;
    let body = std::str::from_utf8(&reply.bytes).unwrap();
    assert_eq!(body.lines().count(), 1002);
    assert_eq!(body.lines().next(), Some(ROW));
    let requests = fake.requests::<ListLastJobsRequest>();
    let pages: Vec<_> =
        requests.iter().map(|one| (one.skip, one.page_size, one.page_token.as_str())).collect();
    assert_eq!(pages, [(3, 1000, ""), (3, 500, "T")]);
    assert_eq!(requests[0].metadata_fields, texts(&["close_reason", "version"]));

    // There are more rows, but no more are wanted.
    let fake = Fake::default().responds(page(7..=7, "T"));
    let reply = fake.get("/spiders/1/7/lastjobsummary?count=1&format=json").await;
    assert_eq!(reply.code_and_body().1, format!("[{}]", ROW.replace("1/1/1", "1/7/1")));
    let request = fake.request::<ListLastJobsRequest>();
    assert_eq!((request.spider, request.page_size), (Some(by_id(7)), 1));
    let fake = Fake::default();
    fake.get("/spiders/1/lastjobsummary?startafter=1/7").await;
    let request = fake.request::<ListLastJobsRequest>();
    assert_eq!((request.spider, request.after_spider_id, request.page_size), (None, 7, 1000));
    let fake = Fake::default().responds(page(1..=1, "T"));
    assert_eq!(fake.get("/spiders/1/lastjobsummary?count=0").await.code_and_body(), (200, ""));
    let refused = Fake::default().get("/spiders/1/lastjobsummary?startafter=x").await;
    assert_eq!(refused.code, 400);
}

#[tokio::test]
async fn projects_are_summarized() {
    let summary = |project, pending, running| ProjectSummary {
        project,
        pending,
        running,
        finished: 5,
        has_capacity: true,
        running_units: 9,
        pending_units_max: None,
    };
    let fake = Fake::default().responds(SummarizeProjectsResponse {
        summaries: vec![summary(53, 1, 2)],
        ..Default::default()
    });
    let counts = r#""project":53,"pending":1,"running":2,"finished":5,"has_capacity":true"#;
    let body = format!("{{{counts},\"running_units_count\":9,\"pending_units_max\":null}}");
    let reply = fake.get("/projects/53/jobsummary").await;
    assert_eq!(reply.code_and_body(), (200, body.as_str()));
    assert_eq!(fake.request::<SummarizeProjectsRequest>().projects, [53]);

    let other = r#"{"project":54,"pending":0,"running":0,"finished":5,"has_capacity":true}"#;
    for (query, body) in [
        ("", format!("[{{{counts}}},{other}]")),
        ("?state=pending&state=running", format!("[{{{counts}}}]")),
        ("?state=finished", format!("[{{{counts}}},{other}]")),
    ] {
        let fake = Fake::default().responds(SummarizeProjectsResponse {
            summaries: vec![summary(53, 1, 2), summary(54, 0, 0)],
            ..Default::default()
        });
        let reply = fake.get(&format!("/projects/jobsummaries{query}")).await;
        assert_eq!(reply.code_and_body(), (200, body.as_str()));
        assert!(fake.request::<SummarizeProjectsRequest>().projects.is_empty());
    }
}
