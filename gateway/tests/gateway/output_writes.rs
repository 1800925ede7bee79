//! Uploads of what jobs put out: bodies of any size and the messages that they become.

use std::io::Write as _;

use axum::body::Body;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use spiderq_proto::v1::*;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::fake::Fake;

fn append(start_offset: i64, lines: &[&str]) -> AppendOutputRequest {
    AppendOutputRequest {
        key: "1/2/3".to_owned(),
        kind: OutputKind::Items.into(),
        start_offset,
        lines: lines.iter().map(|line| Bytes::copy_from_slice(line.as_bytes())).collect(),
        ..AppendOutputRequest::default()
    }
}

#[tokio::test]
async fn an_upload_is_appended_as_it_was_written() {
    let body = "{\"a\": 1.0}\n{\"b\":NaN}\n\n[{\"c\":1},{\"d\":2}]";
    let lines = ["{\"a\": 1.0}", "{\"b\":null}", "{\"c\":1}", "{\"d\":2}"];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(body.as_bytes()).unwrap();
    let compressed = gzip.finish().unwrap();
    let (none, gzip) = (("x-nothing", ""), ("content-encoding", "gzip"));
    for (query, header, body, start) in [
        ("", none, body.as_bytes(), 0),
        ("?start=500", gzip, &compressed[..], 500),
        ("?start=1/2/3/500", none, body.as_bytes(), 500),
        ("", ("content-range", "items 500-/*"), body.as_bytes(), 500),
    ] {
        let fake = Fake::default().responds(AppendOutputResponse { next_offset: 504 });
        let path = format!("/items/1/2/3{query}");
        let reply = fake.with("POST", &path, &[header], body.to_vec()).await;
        assert_eq!(reply.code_and_body(), (200, "{\"next_offset\":504}"));
        assert_eq!(fake.request::<AppendOutputRequest>(), append(start, &lines));
    }
    let fake = Fake::default();
    fake.post("/items/1/2/3?start=7&fence=F", "").await;
    let expected = AppendOutputRequest { fence: "F".to_owned(), ..append(7, &[]) };
    assert_eq!(fake.request::<AppendOutputRequest>(), expected);
}

#[tokio::test]
async fn a_large_upload_goes_in_several_calls() {
    let line = format!("{{\"x\":\"{}\"}}\n", "y".repeat(600 << 10));
    let responses = (2..=6).map(|next_offset| AppendOutputResponse { next_offset });
    let fake = responses.fold(Fake::default(), Fake::responds);
    // More than this gateway takes as the body of any other path.
    let reply = fake.post("/items/1/2/3?start=0", &line.repeat(5)).await;
    assert_eq!(reply.code.as_u16(), 200);
    let calls = fake.requests::<AppendOutputRequest>();
    assert_eq!(calls.iter().map(|call| call.lines.len()).sum::<usize>(), 5);
    let mut next = 0;
    for call in calls {
        assert_eq!(call.start_offset, next);
        next += i64::try_from(call.lines.len()).unwrap();
    }
}

#[tokio::test]
async fn a_refused_line_is_named_by_its_number_in_the_body() {
    let details = ErrorDetails::with_bad_request_violation("lines[1]", "must be one JSON value");
    let status = Status::with_error_details(Code::InvalidArgument, "another text", details);
    let fake = Fake::default().responds(status);
    let reply = fake.post("/items/1/2/3?start=0", "{}\n\nx\n").await;
    let body = r#"{"error":"Bad Request","message":"line 3 of the body: must be one JSON value"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
}

#[tokio::test]
async fn nothing_of_an_upload_is_read_for_an_unknown_caller() {
    let refuses = || Err(Status::unauthenticated("who is this"));
    let body = r#"{"error":"Unauthorized","message":"Unauthorized"}"#;
    for path in ["/items/1/2/3", "/items/1/2/3?start=x"] {
        let fake = Fake::default().identifies(refuses());
        let pieces =
            futures::stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, Status>>> {
                panic!("the body is read")
            });
        let reply = fake.with("POST", path, &[], Body::from_stream(pieces)).await;
        assert_eq!(reply.code_and_body(), (401, body));
        assert_eq!(fake.calls(), 0);
    }
}

#[tokio::test]
async fn the_official_writer_is_told_to_drop_what_will_never_be_taken() {
    let refusal = |code, state| {
        let metadata = [("state".to_owned(), String::from(state))];
        let details = ErrorDetails::with_error_info("REASON", "spiderq", metadata);
        Status::with_error_details(code, "no", details)
    };
    for (code, state, told, others) in [
        (Code::FailedPrecondition, "finished", 300, 409),
        (Code::FailedPrecondition, "pending", 409, 409),
        (Code::NotFound, "", 300, 404),
        (Code::PermissionDenied, "", 300, 403),
        (Code::ResourceExhausted, "", 300, 413),
        (Code::Unavailable, "", 503, 503),
        (Code::Unauthenticated, "", 401, 401),
    ] {
        for (agent, expected) in [("python-scrapinghub/2.9.0", told), ("curl/8.0", others)] {
            let fake = Fake::default().responds(refusal(code, state));
            let headers = [("user-agent", agent)];
            let reply = fake.with("POST", "/items/1/2/3?start=0", &headers, "{}").await;
            assert_eq!(reply.code.as_u16(), expected, "{code:?} {state} {agent}");
            let reason = http::StatusCode::from_u16(others).unwrap().canonical_reason().unwrap();
            let message = if others == 401 { "Unauthorized" } else { "no" };
            let body = format!("{{\"error\":\"{reason}\",\"message\":\"{message}\"}}");
            assert_eq!(reply.code_and_body().1, body);
            assert_eq!(reply.header("location"), None);
        }
    }
}
