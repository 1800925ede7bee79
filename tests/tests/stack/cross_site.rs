//! Writes that a page of another site makes a browser send with its visitor's Basic credentials.

use http::Method;
use serde_json::json;
use spiderq_server::Network;
use spiderq_tests::{Response, Stack, StoreKind, client_file, run_client};

use crate::grpc_limits::framed;

/// As a browser marks a request of a page elsewhere.
const ELSEWHERE: [(&str, &str); 2] =
    [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")];
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TEXT: (&str, &str) = ("content-type", "text/plain");
const WHY: &str =
    "writes from web pages of other sites are refused: the server must allow their origin";

/// Writes that need no preflight: forms, texts, a frame's URL.
const WRITES: [(Method, &str, (&str, &str), &str); 6] = [
    (Method::POST, "/api/run.json", FORM, "project=1&spider=evil"),
    (Method::POST, "/jobq/1/push", TEXT, r#"{"spider":"evil"}"#),
    (Method::POST, "/jobs/1/1/1", TEXT, r#"{"environment":{"A":"B"}}"#),
    (Method::POST, "/projects/1/settings", TEXT, r#"{"keep_finished_jobs":0}"#),
    (Method::POST, "/jobq/1/cancel?count=1", TEXT, ""),
    (Method::GET, "/ids/1/spider/evil?create=1", TEXT, ""),
];

async fn send(
    stack: &Stack,
    (method, path, kind, body): &(Method, &'static str, (&str, &str), &'static str),
    more: &[(&str, &str)],
) -> Response {
    let headers = [&[*kind], more].concat();
    stack.http().send(method.clone(), path, &headers, *body).await
}

#[tokio::test]
async fn the_writes_of_another_site_are_refused_before_anything_is_done() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let http = stack.http();
    http.post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
    let state = async || {
        let mut all = Vec::new();
        for path in [
            "/jobs/1/1/1",
            "/jobq/1/count",
            "/jobq/1/count?state=pending",
            "/projects/1/settings",
            "/ids/1/spider/evil",
        ] {
            all.push(http.get(path).await.ok().text());
        }
        all
    };
    let before = state().await;
    for headers in [&ELSEWHERE[..], &ELSEWHERE[..1], &ELSEWHERE[1..], &[("origin", "null")]] {
        for write in &WRITES {
            let refused = send(&stack, write, headers).await;
            let expected = match write.1.starts_with("/api/") {
                true => json!({"status": "error", "message": WHY}),
                false => json!({"error": "Forbidden", "message": WHY}),
            };
            assert_eq!(
                (refused.status, refused.json()),
                (403, expected),
                "{} {headers:?}",
                write.1
            );
            assert_ne!(refused.header("x-request-id"), "");
        }
        // What is only read may be asked for: the page does not get the answer.
        http.send(Method::GET, "/jobq/1/count", headers, "").await.ok();
    }
    assert_eq!(state().await, before);
}

#[tokio::test]
async fn own_pages_and_allowed_ones_may_write() {
    let page = "https://page.test";
    let stack = Stack::on(Network { cors_origins: vec![page.to_owned()], ..Network::default() });
    let stack = stack.await;
    let own = stack.url.clone();
    for headers in [
        &[("origin", own.as_str())][..],
        &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[("origin", page), ("sec-fetch-site", "cross-site")],
    ] {
        send(&stack, &WRITES[1], headers).await.ok();
    }
    assert_eq!(send(&stack, &WRITES[1], &ELSEWHERE).await.status, 403);
}

#[tokio::test]
async fn where_any_page_may_write_it_must_bring_its_key() {
    let stack = Stack::on(Network { cors_origins: vec!["*".to_owned()], ..Network::default() });
    let stack = stack.await;
    assert_eq!(send(&stack, &WRITES[1], &ELSEWHERE).await.status, 403);
    let http = stack.http().bearer(&stack.key);
    http.send(Method::POST, "/jobq/1/push", &ELSEWHERE, WRITES[1].3).await.ok();
}

#[tokio::test]
async fn grpc_web_is_refused_too() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let path = "/spiderq.v1.JobService/CountJobs";
    let headers = [&ELSEWHERE[..], &[("content-type", "application/grpc-web+proto")]].concat();
    let answer = stack.http().send(Method::POST, path, &headers, framed(0, b"\x08\x01")).await.ok();
    assert_eq!(answer.header("content-type"), "application/grpc-web+proto");
    assert_eq!(answer.header("grpc-status"), "7");
    assert_eq!(answer.header("grpc-message").replace("%20", " "), WHY);
    assert_eq!(answer.text(), "");
}

/// A browser that knows the credentials of the server opens a page of another site.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_page_of_another_site_writes_nothing() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    stack.http().post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
    let page = client_file("browser/cross_site.mjs");
    let printed = run_client(&stack.url, &stack.key, "node", &[&page]).await;
    assert_eq!(printed, "own page 200\nform 403\nfetch 403\nframe 403\n");
    let http = stack.http();
    assert_eq!(http.get("/jobq/1/count?state=pending").await.ok().json(), 2);
    assert_eq!(http.get("/ids/1/spider/evil").await.ok().text(), "null");
}
