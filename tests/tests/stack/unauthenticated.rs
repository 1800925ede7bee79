//! Callers without valid credentials get 401 and no validation error (contract 2); what they may
//! still read.

use http::Method;
use serde_json::json;
use spiderq_tests::Stack;

use crate::{
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

#[tokio::test]
async fn a_call_without_a_key_gets_401_before_any_validation_error() {
    let stack = Stack::start(spiderq_tests::StoreKind::Sqlite).await;
    let http = stack.http().anonymous();
    for path in ["/jobq/x/count", "/jobq/1/list?state=zz", "/api/jobs/list.json?project=x"] {
        assert_refused(&http.get(path).await, path, 401);
    }
    for path in ["/jobq/1/startjob", "/jobq/1/update", "/jobs/1/1/1"] {
        assert_refused(&http.post(path, "not json").await, path, 401);
    }
    let form = [("project", "x")];
    assert_refused(&http.form("/api/run.json", &form).await, "/api/run.json", 401);
}

#[tokio::test]
async fn a_call_with_a_wrong_key_gets_no_validation_error() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let admin = stack.http();
        let wrong = "f".repeat(32);
        let unauthenticated = admin.basic(&wrong, "");
        for path in [
            "/jobq/x/count",
            "/jobq/1/list?state=zz",
            "/api/jobs/list.json?project=x",
            "/spiders/1/x/lastjobsummary",
            "/ids/1/spider/s?create=x",
        ] {
            assert_eq!(admin.get(path).await.status, 400);
            assert_refused(&unauthenticated.get(path).await, path, 401);
            let joint = if path.contains('?') { '&' } else { '?' };
            let by_parameter = format!("{path}{joint}apikey={wrong}");
            assert_refused(&admin.anonymous().get(&by_parameter).await, path, 401);
        }
        for path in ["/jobq/1/startjob", "/jobq/1/cancel", "/jobs/1/1/1"] {
            assert_eq!(admin.post(path, "not json").await.status, 400);
            assert_refused(&unauthenticated.post(path, "not json").await, path, 401);
        }
        // Lines of these are answered one by one, to callers who may.
        for path in ["/jobq/1/push", "/jobq/1/update"] {
            assert_refused(&unauthenticated.post(path, "not json").await, path, 401);
        }
        // Paths that exist only to say that they do nothing.
        for path in ["/api/scrapyd/addversion.json", "/api/eggs/add.json", "/api/releases/x"] {
            for caller in [&unauthenticated, &admin.anonymous()] {
                assert_refused(&caller.post(path, "an egg").await, path, 401);
                assert_refused(&caller.get(path).await, path, 401);
            }
        }
        let path = "/api/v2/projects/1/spiders/1/tags";
        let tagged = unauthenticated.send(Method::PATCH, path, &[], "{}").await;
        assert_refused(&tagged, path, 401);
        let form = [("project", "x")];
        let path = "/api/run.json";
        assert_eq!(admin.form(path, &form).await.status, 400);
        assert_refused(&unauthenticated.form(path, &form).await, path, 401);
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
