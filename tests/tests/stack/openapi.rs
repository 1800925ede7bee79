//! The description at `/openapi.json`, held against the running service by a stranger:
//! schemathesis sends what the description allows and what it forbids, and checks that
//! each answer has a status, a type and a body that are described, and none is a 5xx.

use std::fmt::Write as _;

use spiderq_tests::{Stack, StoreKind, client_file, need, run_client};

/// The job of the description's examples, 53/7/81, and jobs around it.
async fn push_examples(stack: &Stack) {
    let mut lines = String::new();
    for spider in 1..=7 {
        writeln!(lines, "{{\"spider\":\"spider{spider}\"}}").unwrap();
    }
    for _ in 2..=81 {
        lines.push_str("{\"spider\":\"spider7\",\"state\":\"running\"}\n");
    }
    let answer = stack.http().post("/jobq/53/push", lines).await.ok();
    assert!(answer.text().contains("\"53/7/81\""), "{}", answer.text());
}

/// How many operations are described, but for the description itself, which
/// schemathesis has read before it counts.
async fn operations(stack: &Stack) -> usize {
    let description = stack.http().anonymous().get("/openapi.json").await.ok();
    description.text().matches("\"operationId\":").count() - 1
}

async fn is_as_described(kind: StoreKind) {
    need(&["st"]);
    let stack = Stack::start(kind).await;
    push_examples(&stack).await;
    let check = client_file("openapi/check.sh");
    let report = run_client(&stack.url, &stack.key, "bash", &[&check]).await;
    let all = format!("Tested: {}\n", operations(&stack).await);
    assert!(report.contains(&all), "every operation:\n{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_on_sqlite_is_as_openapi_describes_it() {
    is_as_described(StoreKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_on_redis_is_as_openapi_describes_it() {
    is_as_described(StoreKind::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_is_openapi_3_1() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let file = client_file("../../gateway/openapi.json");
    let args = ["-m", "openapi_spec_validator", "--schema", "3.1", &file];
    let report = run_client(&stack.url, &stack.key, "python", &args).await;
    assert!(report.trim_end().ends_with("OK"), "{report}");
}
