//! Pages of other origins: what browsers are told, over HTTP/JSON and gRPC-Web.

use http::Method;
use spiderq_server::Network;
use spiderq_tests::{Answer, Stack};

const ORIGIN: &str = "access-control-allow-origin";
const GRPC_WEB: &str = "application/grpc-web+proto";

async fn allowing(origins: &[&str]) -> Stack {
    Stack::on(Network {
        cors_origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        ..Network::default()
    })
    .await
}

async fn preflight(stack: &Stack, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let http = stack.http().anonymous();
    http.send(Method::OPTIONS, path, &headers, "").await
}

/// The headers that are for browsers, sorted.
fn told(answer: &Answer) -> Vec<(&str, &str)> {
    let headers = answer.headers.iter();
    let mut told: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .filter(|(name, value)| {
            // Compression has a say of its own.
            name.starts_with("access-control-") || (*name, *value) == ("vary", "origin")
        })
        .collect();
    told.sort_unstable();
    told
}

#[tokio::test]
async fn browsers_are_told_nothing_unless_it_is_asked_for() {
    let stack = allowing(&[]).await;
    let answer = preflight(&stack, "/jobq/1/count", "https://a.test").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD"));
    assert_eq!(told(&answer), []);
    let origin = [("origin", "https://a.test")];
    let answer = stack.http().send(Method::GET, "/jobq/1/count", &origin, "").await;
    assert_eq!(told(&answer.ok()), []);
}

#[tokio::test]
async fn an_allowed_origin_passes_its_preflight_without_a_key() {
    let stack = allowing(&["https://a.test", "http://localhost:8080"]).await;
    for path in ["/jobq/1/push", "/api/run.json", "/spiderq.v1.JobService/GetJob"] {
        let answer = preflight(&stack, path, "http://localhost:8080").await;
        assert_eq!((answer.status, answer.text().as_str()), (204, ""));
        assert_eq!(
            told(&answer),
            [
                (
                    "access-control-allow-headers",
                    "authorization, content-type, content-encoding, accept, if-none-match, \
                     idempotency-key, x-request-id, x-grpc-web, x-user-agent, grpc-timeout"
                ),
                ("access-control-allow-methods", "GET, HEAD, POST, PATCH, DELETE"),
                (ORIGIN, "http://localhost:8080"),
                ("access-control-max-age", "3600"),
                ("vary", "origin"),
            ]
        );
    }
}

#[tokio::test]
async fn another_origin_is_told_nothing_but_that_origins_differ() {
    let stack = allowing(&["https://a.test"]).await;
    for origin in ["https://b.test", "https://a.test:444", "http://a.test", "null"] {
        let answer = preflight(&stack, "/jobq/1/push", origin).await;
        assert_eq!((answer.status, told(&answer)), (204, vec![("vary", "origin")]));
        let headers = [("origin", origin)];
        let answer = stack.http().send(Method::GET, "/jobq/1/count", &headers, "").await;
        assert_eq!(told(&answer.ok()), [("vary", "origin")]);
    }
}

#[tokio::test]
async fn answers_and_refusals_may_be_read_by_an_allowed_page() {
    const EXPOSED: (&str, &str) = (
        "access-control-expose-headers",
        "grpc-status, grpc-message, grpc-status-details-bin, etag, retry-after, x-request-id",
    );
    for (origins, allowed, vary) in [
        (&["https://a.test"][..], "https://a.test", &[("vary", "origin")][..]),
        (&["*", "https://b.test"], "*", &[]),
    ] {
        let stack = allowing(origins).await;
        let expected = [&[(ORIGIN, allowed), EXPOSED], vary].concat();
        let origin = ("origin", "https://a.test");
        let http = stack.http();
        let count = http.send(Method::GET, "/jobq/1/count", &[origin], "").await;
        assert_eq!((count.status, told(&count)), (200, expected.clone()));
        let nobody = http.anonymous();
        let refused = nobody.send(Method::GET, "/jobq/1/count", &[origin], "").await;
        assert_eq!((refused.status, told(&refused)), (401, expected.clone()));
        let web = [origin, ("content-type", GRPC_WEB)];
        let path = "/spiderq.v1.JobService/CountJobs";
        let called = http.send(Method::POST, path, &web, vec![0; 5]).await;
        assert_eq!((called.status, told(&called)), (200, expected));
        assert_eq!(called.header("grpc-status"), "3");
    }
}

#[tokio::test]
async fn an_options_that_is_no_preflight_is_a_method_like_others() {
    let stack = allowing(&["*"]).await;
    let answer = stack.http().send(Method::OPTIONS, "/jobq/1/count", &[], "").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD"));
}
