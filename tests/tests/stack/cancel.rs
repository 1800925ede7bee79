//! Cancelling jobs by number: the oldest pending ones, once for each call.

use http::Method;
use serde_json::json;
use spiderq_tests::{Http, Response, Stack};

use crate::on_each_store;

async fn post(http: &Http, path: &str, id: &str, body: &str) -> Response {
    let headers = [("idempotency-key", id)];
    http.send(Method::POST, path, &headers, body.to_owned()).await
}

async fn push(http: &Http, jobs: usize) {
    let lines = vec![r#"{"spider":"s"}"#; jobs].join("\n");
    http.post("/jobq/1/push", lines).await.ok();
}

#[tokio::test]
async fn a_repeated_cancel_of_the_oldest_jobs_cancels_no_more() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        push(&http, 252).await;
        for _ in 0..2 {
            let done = post(&http, "/jobq/1/cancel?count=250", "c1", "").await.ok();
            assert_eq!(done.json(), json!({"count": 250}));
            let left = http.get("/jobq/1/count?state=pending").await.ok();
            assert_eq!(left.json(), 2);
        }
        // It ran out of jobs the first time; the answer stays, whatever came since.
        for _ in 0..2 {
            let done = post(&http, "/jobq/1/cancel?count=9", "c2", "").await.ok();
            assert_eq!(done.json(), json!({"count": 2}));
            push(&http, 1).await;
        }
        let other = post(&http, "/jobq/1/cancel?count=8", "c2", "").await;
        assert_eq!(other.status, 409);
    })
    .await;
}

#[tokio::test]
async fn concurrent_cancels_of_the_oldest_jobs_count_each_job_once() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        push(&http, 49).await;
        let cancels = (0..10).map(|_| http.post("/jobq/1/cancel?count=3", ""));
        let mut counted = 0;
        for answer in futures::future::join_all(cancels).await {
            counted += answer.ok().json()["count"].as_u64().unwrap();
        }
        assert_eq!(counted, 30);
        let left = http.get("/jobq/1/count?state=pending").await.ok();
        assert_eq!(left.json(), 19);
    })
    .await;
}
