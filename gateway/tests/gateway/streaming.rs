//! The queue's list goes out row by row, in the format that the client asks for.

use axum::body::Body;
use futures::{StreamExt as _, stream};
use http::Request;
use http_body_util::BodyExt as _;
use spiderq_proto::{time::duration, v1::*};
use tonic::Status;

use crate::{
    fake::{Fake, Rows},
    job,
};

type Row = Result<ListQueueResponse, Status>;

fn row(key: &str) -> Row {
    Ok(ListQueueResponse { job: Some(job(key)), elapsed: Some(duration(1)) })
}

fn text(key: &str) -> String {
    format!(
        "{{\"key\":\"{key}\",\"ts\":1397762393489,\"state\":\"finished\",\"elapsed\":1,\"spider\":\"s\"}}"
    )
}

#[tokio::test]
async fn json_lines_and_arrays_are_negotiated() {
    let (a, b) = (text("1/1/2"), text("1/1/1"));
    let lines = format!("{a}\n{b}\n");
    let array = format!("[{a},{b}]");
    for (query, accept, expected, kind) in [
        ("", "*/*", &lines, "application/x-jsonlines"),
        ("", "application/json", &array, "application/json"),
        ("?format=json", "*/*", &array, "application/json"),
        ("?format=jl", "application/json", &lines, "application/x-jsonlines"),
    ] {
        let fake = Fake::default().responds(vec![row("1/1/2"), row("1/1/1")]);
        let path = format!("/jobq/1/list{query}");
        let reply = fake.with("GET", &path, &[("accept", accept)], "").await;
        assert_eq!(reply.code_and_body(), (200, expected.as_str()));
        assert_eq!(reply.header("content-type"), Some(kind));
    }
}

#[tokio::test]
async fn an_empty_list_is_an_empty_body_or_an_empty_array() {
    let fake = Fake::default();
    assert_eq!(fake.get("/jobq/1/list").await.code_and_body(), (200, ""));
    assert_eq!(fake.get("/jobq/1/list?format=json").await.code_and_body(), (200, "[]"));
}

#[tokio::test]
async fn count_zero_calls_the_service_and_has_no_rows() {
    let fake = Fake::default().responds(vec![row("1/1/1")]);
    assert_eq!(fake.get("/jobq/1/list?count=0").await.code_and_body(), (200, ""));
    assert_eq!(fake.request::<ListQueueRequest>().limit, 1);
}

#[tokio::test]
async fn rows_are_sent_while_the_service_still_reads() {
    let (mut sender, rows) = futures::channel::mpsc::channel::<Row>(0);
    let rows: Rows = rows.boxed();
    let fake = Fake::default().responds(rows);
    sender.try_send(row("1/1/2")).unwrap();
    let request = Request::get("/jobq/1/list?apikey=K").body(Body::empty()).unwrap();
    let mut body = fake.send(request).await.into_body();
    let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(piece, format!("{}\n", text("1/1/2")));
    // The service has not ended the list yet.
    sender.try_send(row("1/1/1")).unwrap();
    let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(piece, format!("{}\n", text("1/1/1")));
    drop(sender);
    let rest = body.collect().await.unwrap().to_bytes();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn an_error_before_the_first_row_has_its_code() {
    let fake = Fake::default().responds(vec![Row::Err(Status::permission_denied("not yours"))]);
    let reply = fake.get("/jobq/1/list").await;
    let body = r#"{"error":"Forbidden","message":"not yours"}"#;
    assert_eq!(reply.code_and_body(), (403, body));
}

#[tokio::test]
async fn an_error_after_the_first_row_breaks_the_body_off() {
    let rows: Rows = stream::iter([row("1/1/2"), Err(Status::unavailable("gone"))]).boxed();
    let fake = Fake::default().responds(rows);
    let request = Request::get("/jobq/1/list?apikey=K").body(Body::empty()).unwrap();
    let response = fake.send(request).await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
}
