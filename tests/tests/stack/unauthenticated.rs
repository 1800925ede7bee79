//! Callers without valid credentials get 401 and no validation error (contract 2); what they may
//! still read.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::json;
use spiderq_tests::{Http, Raw, Stack, StoreKind};

use crate::{
    connection_limits,
    helpers::{NOW, assert_refused},
    on_each_store,
};

#[tokio::test]
async fn a_call_without_a_valid_key_is_401() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let admin = stack.http();
        let wrong = "f".repeat(32);
        let callers = [
            admin.anonymous(),
            admin.basic(&wrong, ""),
            admin.basic("", ""),
            admin.basic("1/1/1", &wrong),
            admin.bearer(&wrong),
            admin.bearer(""),
        ];
        for path in ["/jobq/1/count", "/jobs/1/1/1", "/api/jobs/count.json?project=1"] {
            for caller in &callers {
                assert_refused(&caller.get(path).await, path, 401);
            }
        }
    })
    .await;
}

/// Requests that are refused for their path, method, parameters or body: what a caller with a key
/// gets. A body of letters goes out as a form.
#[rustfmt::skip]
const REFUSALS: [(&str, &str, &str, u16); 44] = [
    ("GET", "/", "", 404),
    ("GET", "/apis", "", 404),
    ("GET", "/api/none.json", "", 404),
    ("POST", "/api/none.json", "project=1", 404),
    ("POST", "/api/eggs/none.json", "project=1", 501),
    ("GET", "/jobq/1", "", 404),
    ("GET", "/jobq/1/none", "", 404),
    ("GET", "/jobs/1", "", 404),
    ("GET", "/items/1/2/3/stats", "", 404),
    ("POST", "/logs/1/2/3", "{}", 404),
    ("GET", "/requests/1", "", 404),
    ("PUT", "/samples/1/2/3", "", 405),
    ("GET", "/items/1/2/3?format=text", "", 400),
    ("POST", "/items/1/2/3?start=x", "not json", 400),
    ("GET", "/api/log.txt?project=x", "", 400),
    ("GET", "/projects/1", "", 404),
    ("GET", "/spiders/1", "", 404),
    ("GET", "/ids/1", "", 404),
    ("GET", "/activity/1/projects", "", 404),
    ("GET", "/collections/1/s/c", "", 404),
    ("PUT", "/hcf/1/f/s/0", "{}", 404),
    ("GET", "/botgroups/1", "", 404),
    ("GET", "/favicon.ico", "", 404),
    ("GET", "/healthz/none", "", 404),
    ("GET", "/api/run.json", "", 405),
    ("PUT", "/api/run.json", "project=1&spider=s", 405),
    ("POST", "/api/jobs/list.json", "project=1", 405),
    ("PUT", "/jobq/1/count", "", 405),
    ("BREW", "/jobq/1/count", "", 405),
    ("OPTIONS", "/jobq/1/count", "", 405),
    ("GET", "/jobq/1/push", "", 405),
    ("GET", "/jobq/x/count", "", 400),
    ("GET", "/jobq/1/list?state=zz", "", 400),
    ("GET", "/jobq/1/count?spider=%FF", "", 400),
    ("GET", "/jobs/1/1/1/%FF", "", 400),
    ("GET", "/api/jobs/list.json?project=x", "", 400),
    ("GET", "/spiders/1/x/lastjobsummary", "", 400),
    ("GET", "/ids/1/spider/s?create=x", "", 400),
    ("POST", "/jobq/1/startjob", "not json", 400),
    ("POST", "/jobs/1/1/1", "not json", 400),
    ("PATCH", "/api/v2/projects/1/spiders/1/tags", "{}", 400),
    ("POST", "/api/run.json", "project=x", 400),
    ("POST", "/api/run.json", "project=1&spider=%FF", 400),
    ("POST", "/api/run.json", "project=1&project=1", 400),
];

#[tokio::test]
async fn a_caller_without_a_valid_key_gets_no_other_refusal_than_401() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let admin = stack.http();
        let (anonymous, wrong) = (admin.anonymous(), "f".repeat(32));
        for (method, path, body, code) in REFUSALS {
            let content_type = if path.starts_with("/api/") && !body.starts_with('{') {
                "application/x-www-form-urlencoded"
            } else {
                "application/octet-stream"
            };
            let send = async |http: &Http, path: &str, body: String| {
                let method: Method = method.parse().unwrap();
                http.send(method, path, &[("content-type", content_type)], body).await
            };
            let body = body.to_owned();
            let known = send(&admin, path, body.clone()).await;
            assert_eq!(known.status, code, "{known}");
            let joint = if path.contains('?') { '&' } else { '?' };
            let with = |key: &str| format!("{path}{joint}apikey={key}");
            assert_eq!(send(&anonymous, &with(Stack::KEY), body.clone()).await.status, code);
            let mut refused = vec![
                send(&anonymous, path, body.clone()).await,
                send(&admin.basic(&wrong, ""), path, body.clone()).await,
                send(&anonymous, &with(&wrong), body.clone()).await,
            ];
            if method == "POST" && path.starts_with("/api/") {
                let known = send(&anonymous, path, format!("{body}&apikey={}", Stack::KEY)).await;
                assert_eq!(known.status, code, "{known}");
                refused.push(send(&anonymous, path, format!("apikey={wrong}&{body}")).await);
            }
            for answer in refused {
                assert_refused(&answer, path, 401);
                assert_eq!(answer.header("allow"), "");
            }
        }
        // Lines of these are answered one by one, to callers who may.
        for path in ["/jobq/1/push", "/jobq/1/update"] {
            assert_refused(&anonymous.post(path, "not json").await, path, 401);
        }
        // Paths that exist only to say that they do nothing.
        for path in ["/api/scrapyd/addversion.json", "/api/eggs/add.json", "/api/releases/x"] {
            for caller in [&anonymous, &admin.basic(&wrong, "")] {
                assert_refused(&caller.post(path, "an egg").await, path, 401);
                assert_refused(&caller.get(path).await, path, 401);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_holds_no_credentials() {
    let stack = Stack::start(spiderq_tests::StoreKind::Sqlite).await;
    let (admin, anonymous) = (stack.http(), stack.http().anonymous());
    let body = format!("project=x&apikey={}", Stack::KEY);
    for (name, value, code) in [
        ("content-encoding", "br", 415),
        ("content-encoding", "gzip", 400),
        ("content-type", "text/plain", 400),
        ("content-type", "application/json", 400),
        ("content-type", "multipart/form-data", 400),
    ] {
        for (http, code) in [(&admin, code), (&anonymous, 401)] {
            let path = "/api/run.json";
            let answer = http.send(Method::POST, path, &[(name, value)], body.clone()).await;
            assert_eq!(answer.status, code, "{name} {value}: {answer}");
        }
    }
}

#[tokio::test]
async fn basic_credentials_need_no_colon() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http().anonymous();
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (authorization, code) in
            [(basic(Stack::KEY), 200), (basic(&"f".repeat(32)), 401), (basic("1/1/1"), 401)]
        {
            let headers = [("authorization", authorization.as_str())];
            let answer = http.send(Method::GET, "/jobq/1/count", &headers, "").await;
            assert_eq!(answer.status, code, "{authorization}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_servers_time_needs_no_key() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let ts = stack.http().anonymous().get("/system/ts").await.ok();
        assert_eq!((ts.json(), ts.header("content-type")), (json!(NOW), "application/json"));
    })
    .await;
}

#[tokio::test]
async fn a_call_without_a_valid_key_is_answered_before_its_body_comes() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    for key in ["", "authorization: Bearer ffffffffffffffffffffffffffffffff\r\n"] {
        let head =
            "POST /jobq/1/push HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nconnection: close";
        let mut raw = Raw::begin(&stack.url, format!("{head}\r\n{key}\r\n{{").as_bytes()).await;
        let answer = String::from_utf8(raw.read_to_end().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    let wrong = ("authorization", "Bearer ffffffffffffffffffffffffffffffff");
    for headers in [&[][..], &[wrong]] {
        let answer = connection_limits::call(&stack, headers).await;
        assert_eq!(answer.headers()["grpc-status"], "16");
    }
}

#[tokio::test]
async fn a_form_that_brings_its_key_is_small_and_not_compressed() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let form =
        |length: usize| format!("apikey={}&project=1&spider=s&x={}", stack.key, "x".repeat(length));
    let anonymous = stack.http().anonymous();
    let post = async |headers: &[(&str, &str)], body: Vec<u8>| {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let headers = [&[kind], headers].concat();
        anonymous.send(Method::POST, "/api/run.json", &headers, body).await.status
    };
    assert_eq!(post(&[], form(60 << 10).into()).await, 200);
    assert_eq!(post(&[], form(64 << 10).into()).await, 401);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, form(1 << 10).as_bytes()).unwrap();
    let compressed = gzip.finish().unwrap();
    assert_eq!(post(&[("content-encoding", "gzip")], compressed.clone()).await, 401);
    // With a key outside, any form may be compressed.
    let key = format!("Bearer {}", stack.key);
    let headers = [("content-encoding", "gzip"), ("authorization", key.as_str())];
    assert_eq!(post(&headers, compressed).await, 200);
}
