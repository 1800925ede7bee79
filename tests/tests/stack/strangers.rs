//! Who comes with a wrong key learns nothing of what is accepted (CONTRACT 2).

use http::Method;
use serde_json::json;
use spiderq_tests::{Answer, Stack};

use crate::on_each_store;

fn assert_unknown(answer: &Answer, path: &str) {
    let expected = if path.starts_with("/api/") {
        json!({"status": "error", "message": "Authentication failed"})
    } else {
        json!({"error": "Unauthorized", "message": "Unauthorized"})
    };
    assert_eq!((answer.status, answer.json()), (401, expected), "{answer}");
    assert!(answer.header("www-authenticate").starts_with("Basic"));
}

#[tokio::test]
async fn a_bad_parameter_is_not_told_to_a_stranger() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let friend = stack.http();
        let wrong = "f".repeat(32);
        let stranger = friend.basic(&wrong, "");
        for path in [
            "/jobq/x/count",
            "/jobq/1/list?state=zz",
            "/api/jobs/list.json?project=x",
            "/spiders/1/x/lastjobsummary",
            "/ids/1/spider/s?create=x",
        ] {
            assert_eq!(friend.get(path).await.status, 400);
            assert_unknown(&stranger.get(path).await, path);
            let joint = if path.contains('?') { '&' } else { '?' };
            let by_parameter = format!("{path}{joint}apikey={wrong}");
            assert_unknown(&friend.anonymous().get(&by_parameter).await, path);
        }
        for path in ["/jobq/1/startjob", "/jobq/1/update", "/jobs/1/1/1"] {
            assert_eq!(friend.post(path, "not json").await.status, 400);
            assert_unknown(&stranger.post(path, "not json").await, path);
        }
        let path = "/api/v2/projects/1/spiders/1/tags";
        let tagged = stranger.send(Method::PATCH, path, &[], "{}").await;
        assert_unknown(&tagged, path);
        let form = [("project", "x")];
        let path = "/api/run.json";
        assert_eq!(friend.form(path, &form).await.status, 400);
        assert_unknown(&stranger.form(path, &form).await, path);
    })
    .await;
}
