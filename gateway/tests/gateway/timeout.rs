//! Timeouts: a response that does not begin, a request that does not arrive.

use std::{io, time::Duration};

use axum::body::Body;
use futures::{SinkExt as _, StreamExt as _, stream};
use spiderq_proto::v1::*;
use tokio::time::Instant;
use tonic::Status;

use crate::{
    fake::{Fake, Rows},
    job,
};

#[tokio::test(start_paused = true)]
async fn a_response_that_does_not_begin_is_504_and_its_work_is_dropped() {
    let (sender, rows) = futures::channel::mpsc::channel(0);
    let rows: Rows = rows.boxed();
    let fake = Fake::default().responds(rows);
    let begun = Instant::now();
    let reply = fake.get("/jobq/1/list").await;
    let body = r#"{"error":"Gateway Timeout","message":"no answer within 0.2 s"}"#;
    assert_eq!(reply.code_and_body(), (504, body));
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
    assert!(sender.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_response_that_has_begun_may_take_longer() {
    let (mut sender, rows) = futures::channel::mpsc::channel(0);
    let rows: Rows = rows.boxed();
    let fake = Fake::default().responds(rows);
    let writer = tokio::spawn(async move {
        let mut slow = tokio::time::interval(Duration::from_secs(60));
        for number in 1..4 {
            let job = Some(job(&format!("1/1/{number}")));
            let row = ListQueueResponse { job, elapsed: None };
            if number > 1 {
                slow.tick().await;
            }
            sender.send(Ok::<_, Status>(row)).await.unwrap();
        }
    });
    let reply = fake.get("/jobq/1/list?jobmeta=none").await;
    assert_eq!(reply.code, 200);
    assert_eq!(reply.code_and_body().1.lines().count(), 3);
    writer.await.unwrap();
}

#[tokio::test]
async fn a_request_that_stops_arriving_is_408_in_the_form_of_its_family() {
    let paused = |begin: &[u8]| {
        let first = Ok(begin.to_vec());
        let late = Err(io::Error::new(io::ErrorKind::TimedOut, "made no progress for 10 s"));
        Body::from_stream(stream::iter([first, late]))
    };
    for (path, body) in [
        ("/api/run.json", r#"{"status":"error","message":"body: made no progress for 10 s"}"#),
        (
            "/jobq/1/push",
            r#"{"error":"Request Timeout","message":"body: made no progress for 10 s"}"#,
        ),
    ] {
        for (encoding, begin) in [("identity", &b"{"[..]), ("gzip", &[0x1f, 0x8b, 8])] {
            let fake = Fake::default();
            let headers = [("content-encoding", encoding)];
            let reply = fake.with("POST", path, &headers, paused(begin)).await;
            assert_eq!(reply.code_and_body(), (408, body), "{path} {encoding}");
            assert_eq!(fake.calls(), 0);
        }
    }
}
