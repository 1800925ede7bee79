//! Timeouts and limits of connections and requests. (Limits that a parameter or a body can
//! break: `bad_input.rs`.)

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::Request;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http2::handshake,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use spiderq_server::{Limits, Network};
use spiderq_tests::{MAGIC, Raw, SETTINGS, Stack};
use tokio::net::TcpStream;
use tonic::body::Body;

const SHORT: Duration = Duration::from_millis(200);
const ASK: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
const OK: &str = r#"{"status":"ok"}"#;
/// Types of HTTP/2 frames.
const RST_STREAM: u8 = 3;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

async fn limited(limits: Limits) -> Stack {
    Stack::on(Network { limits, ..Network::default() }).await
}

/// Reads frames up to the next of `kind`.
async fn frame(raw: &mut Raw, kind: u8) -> (u8, u32, Vec<u8>) {
    loop {
        let (found, flags, stream, payload) = raw.frame().await;
        if found == kind {
            return (flags, stream, payload);
        }
    }
}

fn ping() -> Vec<u8> {
    [&[0, 0, 8, PING, 0, 0, 0, 0, 0][..], b"are you?"].concat()
}

#[tokio::test]
async fn a_connection_may_be_idle_longer_than_the_handshake_and_head_timeouts() {
    let stack =
        limited(Limits { handshake_timeout: SHORT, head_timeout: SHORT, ..Limits::default() })
            .await;
    let mut http1 = Raw::begin(&stack.url, ASK).await;
    http1.read_until(OK).await;
    let mut http2 = Raw::begin(&stack.url, &[MAGIC, SETTINGS].concat()).await;
    http1.stays_silent(SHORT * 3).await;
    http1.send(ASK).await;
    http1.read_until(OK).await;
    http2.send(&ping()).await;
    assert_eq!(frame(&mut http2, PING).await, (ACK, 0, b"are you?".to_vec()));
}

#[tokio::test]
async fn the_head_timeout_holds_for_later_requests_too() {
    let stack = limited(Limits { head_timeout: SHORT, ..Limits::default() }).await;
    let mut raw = Raw::begin(&stack.url, ASK).await;
    raw.read_until(OK).await;
    raw.send(b"GET /healthz HT").await;
    assert_eq!(raw.read_to_end().await, b"");
}

#[tokio::test]
async fn idle_connections_are_closed_in_order() {
    let stack = limited(Limits { idle_timeout: SHORT, ..Limits::default() }).await;
    let mut http1 = Raw::begin(&stack.url, ASK).await;
    http1.read_until(OK).await;
    assert_eq!(http1.read_to_end().await, b"");
    let mut http2 = Raw::begin(&stack.url, &[MAGIC, SETTINGS].concat()).await;
    let (_, _, reason) = frame(&mut http2, GOAWAY).await;
    assert_eq!(reason[4..8], [0; 4], "NO_ERROR");
    http2.read_to_end().await;
}

#[tokio::test]
async fn a_connection_without_credentials_gets_less_patience() {
    let limits = Limits { unauthenticated_idle_timeout: SHORT, ..Limits::default() };
    let stack = limited(limits).await;
    let wrong = "authorization: Bearer 00000000000000000000000000000000\r\n";
    for (path, more, end) in [("/healthz", "", OK), ("/jobq/1/count", wrong, "Unauthorized\"}")] {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{more}\r\n");
        let mut raw = Raw::begin(&stack.url, head.as_bytes()).await;
        raw.read_until(end).await;
        assert_eq!(raw.read_to_end().await, b"", "{path}");
    }
    let mut http2 = Raw::begin(&stack.url, &[MAGIC, SETTINGS].concat()).await;
    frame(&mut http2, GOAWAY).await;
    let key = format!("authorization: Bearer {}", stack.key);
    let head = format!("GET /jobq/1/count HTTP/1.1\r\nhost: x\r\n{key}\r\n\r\n");
    let mut raw = Raw::begin(&stack.url, head.as_bytes()).await;
    raw.read_until("\r\n\r\n0").await;
    raw.stays_silent(SHORT * 3).await;
    raw.send(ASK).await;
    raw.read_until(OK).await;
}

#[tokio::test]
async fn a_stalled_body_is_408_in_the_form_of_its_family() {
    let stack = limited(Limits { body_timeout: SHORT, ..Limits::default() }).await;
    let key = "authorization: Bearer 0123456789abcdef0123456789abcdef";
    for (path, body) in [
        ("/api/run.json", r#"{"status":"error","message":"body: made no progress for 0.2 s"}"#),
        (
            "/jobq/1/push",
            r#"{"error":"Request Timeout","message":"body: made no progress for 0.2 s"}"#,
        ),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{key}\r\ncontent-length: 9\r\n\r\n");
        let mut raw = Raw::begin(&stack.url, (head + "{").as_bytes()).await;
        let answer = String::from_utf8(raw.read_to_end().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.ends_with(body), "{answer}");
    }
}

const KEY: (&str, &str) = ("authorization", "Bearer 0123456789abcdef0123456789abcdef");

/// A call whose message of nine bytes never comes.
pub(crate) async fn call(stack: &Stack, headers: &[(&str, &str)]) -> http::Response<Incoming> {
    let begin = Frame::data(Bytes::from_static(&[0, 0, 0, 0, 9]));
    let stuck = stream::iter([Ok::<_, tonic::Status>(begin)]).chain(stream::pending());
    let mut request = Request::post(format!("{}/spiderq.v1.JobService/CountJobs", stack.url))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::new(StreamBody::new(stuck))).unwrap();
    http2(stack, request).await
}

/// Over a connection that adds nothing: tonic's would keep the deadline itself.
pub(crate) async fn http2(stack: &Stack, request: Request<Body>) -> http::Response<Incoming> {
    let socket = TcpStream::connect(&stack.url[7..]).await.unwrap();
    let executor = TokioExecutor::new();
    let (mut sender, connection) = handshake(executor, TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

#[tokio::test]
async fn a_stalled_message_is_deadline_exceeded() {
    let stack = limited(Limits { body_timeout: SHORT, ..Limits::default() }).await;
    let answer = call(&stack, &[KEY]).await;
    assert_eq!(answer.headers()["grpc-status"], "4");
    assert_eq!(
        answer.headers()["grpc-message"],
        "the%20request%20made%20no%20progress%20for%200.2%20s"
    );
}

#[tokio::test]
async fn a_deadline_is_kept_while_the_message_still_arrives() {
    let stack = limited(Limits::default()).await;
    let answer = call(&stack, &[KEY, ("grpc-timeout", "50m")]).await;
    assert_eq!(answer.headers()["grpc-status"], "4");
    let refused = call(&stack, &[KEY, ("grpc-timeout", "soon")]).await;
    assert_eq!(refused.headers()["grpc-status"], "3");
}

#[tokio::test]
async fn heads_that_are_too_large_are_431() {
    let stack = limited(Limits::default()).await;
    let many: String = (0..101).map(|number| format!("x-{number}: y\r\n")).collect();
    let large = format!("x-large: {}\r\n", "x".repeat(64 << 10));
    let target = format!("x-none: y\r\n{}", "");
    for (path, headers) in [
        ("/healthz", &many),
        ("/healthz", &large),
        (&format!("/healthz?{}", "x".repeat(64 << 10)), &target),
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let mut raw = Raw::begin(&stack.url, head.as_bytes()).await;
        let answer = String::from_utf8(raw.read_to_end().await).unwrap();
        let line = answer.lines().next();
        let length = path.len();
        assert_eq!(line, Some("HTTP/1.1 431 Request Header Fields Too Large"), "{length}");
        assert!(answer.contains("Content-Length: 0\r\n"), "{answer}");
    }
    // What is just within the limits is served.
    let many: String = (0..99).map(|number| format!("x-{number}: y\r\n")).collect();
    let large = format!("x-large: {}\r\n", "x".repeat(60 << 10));
    for headers in [&many, &large] {
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let mut raw = Raw::begin(&stack.url, head.as_bytes()).await;
        raw.read_until(OK).await;
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431_over_http2() {
    let stack = limited(Limits::default()).await;
    for (size, status) in [(60 << 10, 200), (64 << 10, 431)] {
        let request = Request::get(format!("{}/healthz", stack.url))
            .header("x-large", "x".repeat(size))
            .body(Body::empty())
            .unwrap();
        let answer = http2(&stack, request).await;
        assert_eq!(answer.status(), status, "{size}");
        answer.into_body().collect().await.unwrap();
    }
}

/// HEADERS of a POST to `path` with a body to come, in HPACK's literals.
fn post(stream: u8, path: &str) -> Vec<u8> {
    // :method POST and :scheme http are entries of the table; the rest is spelled out.
    let mut block = vec![0x83, 0x86];
    for (name, value) in [(4, path), (1, "x"), (15 + 16, "application/grpc")] {
        match name {
            ..15 => block.push(name),
            // An index that does not fit its four bits.
            _ => block.extend([15, name - 15]),
        }
        block.push(u8::try_from(value.len()).unwrap());
        block.extend(value.as_bytes());
    }
    let length = u8::try_from(block.len()).unwrap();
    // END_HEADERS.
    [&[0, 0, length, 1, 4, 0, 0, 0, stream], block.as_slice()].concat()
}

#[tokio::test]
async fn a_stream_beyond_the_limit_is_refused() {
    const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
    let stack = limited(Limits { max_streams: 2, ..Limits::default() }).await;
    let mut raw = Raw::begin(&stack.url, &[MAGIC, SETTINGS].concat()).await;
    for stream in [1, 3, 5] {
        raw.send(&post(stream, "/spiderq.v1.JobService/CountJobs")).await;
    }
    let (_, stream, reason) = frame(&mut raw, RST_STREAM).await;
    assert_eq!((stream, reason), (5, REFUSED_STREAM.to_vec()));
    raw.send(&ping()).await;
    assert_eq!(frame(&mut raw, PING).await.0, ACK);
}
