//! Pages of other origins: what browsers are told, over HTTP/JSON and gRPC-Web.

use http::Method;
use spiderq_server::Network;
use spiderq_tests::{Response, Stack};

const ORIGIN: &str = "access-control-allow-origin";
const GRPC_WEB: &str = "application/grpc-web+proto";
const ALLOW_HEADERS: (&str, &str) = (
    "access-control-allow-headers",
    "authorization,content-type,content-encoding,accept,if-none-match,idempotency-key,\
     x-request-id,x-grpc-web,x-user-agent,grpc-timeout",
);
const ALLOW_METHODS: (&str, &str) = ("access-control-allow-methods", "GET,HEAD,POST,PATCH,DELETE");
const MAX_AGE: (&str, &str) = ("access-control-max-age", "3600");
const EXPOSED: (&str, &str) = (
    "access-control-expose-headers",
    "grpc-status,grpc-message,grpc-status-details-bin,etag,retry-after,x-request-id",
);
const VARY: (&str, &str) = ("vary", "origin");

async fn allowing(origins: &[&str]) -> Stack {
    Stack::on(Network {
        cors_origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        ..Network::default()
    })
    .await
}

async fn preflight(stack: &Stack, path: &str, origin: &str) -> Response {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let http = stack.http().anonymous();
    http.send(Method::OPTIONS, path, &headers, "").await
}

/// The CORS headers, sorted.
fn cors_headers(answer: &Response) -> Vec<(&str, &str)> {
    let headers = answer.headers.iter();
    let mut found: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .filter(|(name, value)| {
            // Compression adds a `vary` of its own.
            name.starts_with("access-control-") || (*name, *value) == ("vary", "origin")
        })
        .collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn without_allowed_origins_there_are_no_cors_headers() {
    let stack = allowing(&[]).await;
    let answer = preflight(&stack, "/jobq/1/count", "https://a.test").await;
    assert_eq!((answer.status, answer.header("allow")), (401, ""), "a preflight has no key");
    assert_eq!(cors_headers(&answer), []);
    let origin = [("origin", "https://a.test")];
    let answer = stack.http().send(Method::GET, "/jobq/1/count", &origin, "").await;
    assert_eq!(cors_headers(&answer.ok()), []);
}

#[tokio::test]
async fn an_allowed_origin_passes_its_preflight_without_a_key() {
    let stack = allowing(&["https://a.test", "http://localhost:8080"]).await;
    for path in ["/jobq/1/push", "/api/run.json", "/spiderq.v1.JobService/GetJob"] {
        let answer = preflight(&stack, path, "http://localhost:8080").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, ""));
        let origin = (ORIGIN, "http://localhost:8080");
        assert_eq!(cors_headers(&answer), [ALLOW_HEADERS, ALLOW_METHODS, origin, MAX_AGE, VARY]);
    }
}

/// Without `access-control-allow-origin` a browser refuses, whatever else it reads.
#[tokio::test]
async fn another_origin_is_not_allowed() {
    let stack = allowing(&["https://a.test"]).await;
    for origin in ["https://b.test", "https://a.test:444", "http://a.test", "null"] {
        let answer = preflight(&stack, "/jobq/1/push", origin).await;
        let expected = vec![ALLOW_HEADERS, ALLOW_METHODS, MAX_AGE, VARY];
        assert_eq!((answer.status, cors_headers(&answer)), (200, expected));
        let headers = [("origin", origin)];
        let answer = stack.http().send(Method::GET, "/jobq/1/count", &headers, "").await;
        assert_eq!(cors_headers(&answer.ok()), [EXPOSED, VARY]);
    }
}

#[tokio::test]
async fn answers_and_refusals_may_be_read_by_an_allowed_page() {
    for (origins, allowed, vary) in [
        (&["https://a.test"][..], "https://a.test", &[VARY][..]),
        (&["*", "https://b.test"], "*", &[]),
    ] {
        let stack = allowing(origins).await;
        let expected = [&[(ORIGIN, allowed), EXPOSED], vary].concat();
        let origin = ("origin", "https://a.test");
        // Where any page may call, it must bring its key.
        let http = stack.http().bearer(&stack.key);
        let count = http.send(Method::GET, "/jobq/1/count", &[origin], "").await;
        assert_eq!((count.status, cors_headers(&count)), (200, expected.clone()));
        let anonymous = http.anonymous();
        let refused = anonymous.send(Method::GET, "/jobq/1/count", &[origin], "").await;
        assert_eq!((refused.status, cors_headers(&refused)), (401, expected.clone()));
        let web = [origin, ("content-type", GRPC_WEB)];
        let path = "/spiderq.v1.JobService/CountJobs";
        let called = http.send(Method::POST, path, &web, vec![0; 5]).await;
        assert_eq!((called.status, cors_headers(&called)), (200, expected));
        assert_eq!(called.header("grpc-status"), "3");
    }
}

#[tokio::test]
async fn an_options_request_that_is_no_preflight_is_refused() {
    let stack = allowing(&["*"]).await;
    let answer = stack.http().send(Method::OPTIONS, "/jobq/1/count", &[], "").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD"));
}
