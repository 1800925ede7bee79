//! ETag and If-None-Match on job metadata, and HEAD on every path of GET.

use http::HeaderMap;
use spiderq_proto::v1::*;

use crate::{
    fake::{Fake, Reply},
    fields, job,
};

fn stored(value: &str) -> GetJobResponse {
    GetJobResponse { job: Some(Job { metadata_json: fields(&[("x", value)]), ..job("1/2/3") }) }
}

async fn send(method: &str, path: &str, value: &str, none_match: &[&str]) -> Reply {
    let headers: Vec<_> = none_match.iter().map(|tag| ("if-none-match", *tag)).collect();
    let fake = Fake::default().responds(stored(value));
    fake.with(method, path, &headers, "").await
}

#[tokio::test]
async fn metadata_carries_a_weak_tag_of_its_content() {
    for path in ["/jobs/1/2/3", "/jobs/1/2/3/x", "/jobs/1/2/3/nothing"] {
        let reply = send("GET", path, "1", &[]).await;
        assert_eq!(reply.code, 200);
        assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
        let tag = reply.header("etag").unwrap();
        assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
        let again = send("GET", path, "1", &[]).await;
        assert_eq!(again.header("etag"), Some(tag));
    }
    let [one, other] =
        [send("GET", "/jobs/1/2/3", "1", &[]).await, send("GET", "/jobs/1/2/3", "2", &[]).await];
    assert_ne!(one.header("etag"), other.header("etag"));
}

#[tokio::test]
async fn a_client_that_has_the_body_already_gets_304_without_one() {
    for path in ["/jobs/1/2/3", "/jobs/1/2/3/x"] {
        let tag = send("GET", path, "1", &[]).await;
        let tag = tag.header("etag").unwrap();
        let strong = tag.trim_start_matches("W/");
        let list = format!("\"a\", {tag}");
        for method in ["GET", "HEAD"] {
            for known in [&[tag][..], &[strong], &[&list], &["\"a\"", tag], &["*"]] {
                let reply = send(method, path, "1", known).await;
                assert_eq!(reply.code_and_body(), (304, ""), "{method} {path} {known:?}");
                assert_eq!(reply.header("etag"), Some(tag));
                assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
                assert_eq!(reply.header("content-type"), None);
            }
        }
        let reply = send("GET", path, "1", &["\"a\"", "W/\"b\""]).await;
        assert_eq!(reply.code, 200);
        assert_eq!(send("GET", path, "2", &[tag]).await.code, 200);
    }
}

#[tokio::test]
async fn a_line_an_array_and_no_job_have_tags_of_their_own() {
    let mut tags = Vec::new();
    for path in ["/jobs/1/2/3", "/jobs/1/2/3?format=json"] {
        let reply = send("GET", path, "1", &[]).await;
        tags.push(reply.header("etag").unwrap().to_owned());
        let missing = tonic::Status::not_found("there is no job 1/2/3");
        let reply = Fake::default().responds(missing).get(path).await;
        tags.push(reply.header("etag").unwrap().to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "{tags:?}");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    for path in [
        "/api/jobs/list.json?project=1",
        "/api/jobs/list.jl?project=1",
        "/api/jobs/count.json?project=1",
        "/api/scrapyd/listprojects.json",
        "/api/spiders/list.json?project=1",
        "/api/v2/users/me",
        "/jobq/1/count",
        "/jobq/1/list",
        "/jobq/1/summary",
        "/jobq/1/2/summary/finished",
        "/jobq/1/jobsummary?key=1/2/3",
        "/projects/jobsummaries",
        "/spiders/1/lastjobsummary",
        "/projects/1/settings",
        "/api/settings/get.json?project=1",
        "/api/v2/projects/1/spiders",
        "/projects/1/settings/name",
        "/jobs/1/2/3/auth",
        "/nowhere",
    ] {
        head_equals_get(path, Fake::default).await;
    }
    let spider = || GetSpiderResponse { spider: Some(Spider::default()) };
    for path in ["/api/v2/projects/1/spiders/2", "/ids/1/spider/name"] {
        head_equals_get(path, || Fake::default().responds(spider())).await;
    }
    for path in ["/jobs/1/2/3", "/jobs/1/2/3/state"] {
        head_equals_get(path, || Fake::default().responds(stored("1"))).await;
    }
    let summaries = || SummarizeProjectsResponse {
        summaries: vec![ProjectSummary::default()],
        ..Default::default()
    };
    head_equals_get("/projects/1/jobsummary", || Fake::default().responds(summaries())).await;
}

async fn head_equals_get(path: &str, fake: impl Fn() -> Fake) {
    let without_id = |mut headers: HeaderMap| {
        headers.remove("x-request-id");
        headers
    };
    let get = fake().get(path).await;
    let head = fake().with("HEAD", path, &[], "").await;
    let code = if path == "/nowhere" { 404 } else { 200 };
    assert_eq!((get.code.as_u16(), head.code_and_body()), (code, (code, "")), "{path}");
    // A list is written while it is sent: its length is not known before.
    let mut expected = without_id(get.headers);
    if path.starts_with("/jobq/1/list") {
        expected.remove("content-length");
    }
    assert_eq!(without_id(head.headers), expected, "{path}");
}
