//! What the gateway refuses by itself: each parameter, by its name, before any call.

use spiderq_proto::v1::UpdateQueueRequest;

use crate::fake::Fake;

async fn refused(method: &str, path: &str, body: &str) -> String {
    let fake = Fake::default();
    let reply = fake.with(method, path, &[], body.to_owned()).await;
    assert_eq!(reply.code, 400, "{path} {body}");
    assert_eq!(fake.calls(), 0, "{path} {body}");
    let body: serde_json::Value = serde_json::from_slice(&reply.bytes).unwrap();
    if path.starts_with("/api/") {
        assert_eq!(body["status"], "badrequest");
    } else {
        assert_eq!(body["error"], "Bad Request");
    }
    body["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn run_names_the_parameter_and_what_is_accepted() {
    for (form, message) in [
        ("spider=s", "project: is required, a positive integer"),
        ("project=x&spider=s", "project: must be a positive integer"),
        ("project=0&spider=s", "project: must be a positive integer"),
        ("project=1", "spider: is required, the name of a spider"),
        ("project=1&spider=", "spider: must not be empty"),
        ("project=1&jobq_id=s", "jobq_id: must be a positive integer"),
        ("project=1&jobq_id=0", "jobq_id: must be a positive integer"),
        (
            "project=1&spider=s&priority=high",
            "priority: must be an integer from 0 (lowest) to 4 (highest)",
        ),
        ("project=1&spider=s&units=-1", "units: must be an integer from 1 to 6"),
        ("project=1&spider=s&job_settings=%7B", "job_settings: must be a JSON object"),
        ("project=1&spider=s&job_settings=[]", "job_settings: must be a JSON object"),
        (
            "project=1&spider=s&environment=%7B%22a%22:1%7D",
            "environment: must be a JSON object of strings",
        ),
        ("project=1&spider=s&meta=7", "meta: must be a JSON object"),
        (
            "project=1&spider=s&meta=%7B%22x%22:%5B1e400%5D%7D",
            "meta: must have no half characters like \"\\ud800\" and no numbers beyond 1.8e308",
        ),
        ("project=1&project=1&spider=s", "project: must be given once"),
        ("project=1&spider=s&spider=t", "spider: must be given once"),
        ("project=1&spider=s&priority=1&priority=1", "priority: must be given once"),
        ("project=1&spider=s&units=1&units[]=2", "units: must be given once"),
        ("project=1&spider=s&meta=%7B%7D&meta=%7B%7D", "meta: must be given once"),
        ("project=1&spider=s&url=a&url=b", "url: must be given once"),
        ("project=1&spider=lat%E9", "spider: must be UTF-8"),
        ("project=1&spider=s&lat%E9=1", "lat\u{fffd}: its name must be UTF-8"),
        (
            "project=1&spider=s&meta=%7B%22state%22:%22lost%22%7D",
            "meta: state: must be one of pending, running, finished, deleted",
        ),
        (
            "project=1&spider=s&meta=%7B%22spider_args%22:%7B%22a%22:1%7D%7D",
            "meta: spider_args: must be an object of strings",
        ),
    ] {
        assert_eq!(refused("POST", "/api/run.json", form).await, message);
    }
}

#[tokio::test]
async fn the_other_dash_paths_name_the_parameter_too() {
    for (method, path, form, message) in [
        ("GET", "/api/jobs/list.json", "", "project: is required, a positive integer"),
        (
            "GET",
            "/api/jobs/list.json?project=1&state=lost",
            "",
            "state: must be one of pending, running, finished, deleted",
        ),
        ("GET", "/api/jobs/list.jl?project=1&count=x", "", "count: must be an integer, 0 or more"),
        (
            "GET",
            "/api/jobs/list.jl?project=1&offset=-1",
            "",
            "offset: must be an integer, 0 or more",
        ),
        ("GET", "/api/jobs/count.json?project=", "", "project: must be a positive integer"),
        ("POST", "/api/jobs/update.json", "", "project: is required, a positive integer"),
        ("POST", "/api/jobs/update.json", "project=1&add_tag=a", "No query filters provided"),
        ("POST", "/api/jobs/update.json", "project=1", "No query filters provided"),
        ("POST", "/api/jobs/update.json", "project=1&job=1/1/1", "No update modifiers provided"),
        (
            "POST",
            "/api/jobs/update.json",
            "project=1&state=pending&has_tag=a",
            "No update modifiers provided",
        ),
        (
            "POST",
            "/api/jobs/update.json",
            "project=1&spider=s&count=1&add_tag=b",
            "count: is not accepted here: all jobs that match are updated",
        ),
        (
            "POST",
            "/api/jobs/update.json",
            "project=1&job=1/1/1&offset=1",
            "offset: is not accepted here: all jobs that match are updated",
        ),
        (
            "POST",
            "/api/jobs/update.json",
            "project=1&spider=s&units=x",
            "units: must be an integer from 1 to 6",
        ),
        ("POST", "/api/jobs/delete.json", "project=1", "job: is required, a job key like 123/1/2"),
        ("POST", "/api/jobs/stop.json", "project=1", "job: is required, a job key like 123/1/2"),
    ] {
        assert_eq!(refused(method, path, form).await, message);
    }
}

#[tokio::test]
async fn storage_paths_name_the_parameter_or_field() {
    for (method, path, body, message) in [
        ("GET", "/jobq/x/count", "", "project: must be a positive integer"),
        (
            "GET",
            "/jobq/1/count?startts=1.5",
            "",
            "startts: must be an integer, milliseconds since the Unix epoch",
        ),
        (
            "GET",
            "/jobq/1/list?endts=now",
            "",
            "endts: must be an integer, milliseconds since the Unix epoch",
        ),
        ("GET", "/jobq/1/list?count=-1", "", "count: must be an integer, 0 or more"),
        ("GET", "/jobq/1/list?start=a", "", "start: must be an integer, 0 or more"),
        ("GET", "/jobq/1/list?format=xml", "", "format: must be json or jl"),
        ("POST", "/jobq/0/push", "{\"spider\":\"s\"}", "project: must be a positive integer"),
        ("POST", "/jobq/1/startjob", "{\"a\":NaN}", "a: must be JSON, which NaN is not"),
        ("POST", "/jobq/1/startjob", "{\"spider\":1}", "spider: must be a string"),
        ("POST", "/jobq/1/cancel", "", "key: is required in each line, or the parameter count"),
        ("POST", "/jobq/1/cancel", "[{}]", "key: is required, a job key like 123/1/2"),
        ("POST", "/jobq/1/cancel?count=0", "", "count: must be a positive integer"),
        ("POST", "/jobq/1/cancel?count=1", "{\"key\":\"1/1/1\"}", "count: must not come with keys"),
        ("POST", "/jobs/1/2/3", "", "body: must be a JSON object"),
        ("POST", "/jobs/1/2/3", "{\"x\":[NaN]}", "x: must be JSON, which NaN is not"),
        ("POST", "/jobs/1/2/3/score", "NaN", "score: must be JSON, which NaN is not"),
    ] {
        assert_eq!(refused(method, path, body).await, message, "{path} {body}");
    }
}

#[tokio::test]
async fn a_push_line_is_refused_at_its_position() {
    for (line, error) in [
        ("{}", "spider: is required, the name of a spider"),
        ("{\"spider\":7}", "spider: must be a string"),
        (
            "{\"spider\":\"s\",\"state\":\"lost\"}",
            "state: must be one of pending, running, finished, deleted",
        ),
        ("{\"spider\":\"s\",\"units\":1.5}", "units: must be an integer from 1 to 6"),
        ("{\"spider\":\"s\",\"tags\":\"a\"}", "tags: must be an array of strings"),
        ("{\"spider\":\"s\",\"unique\":5}", "unique: must be a string"),
    ] {
        let reply = Fake::default().post("/jobq/1/push", line).await;
        let expected = format!("{{\"error\":\"{error}\",\"request\":{line}}}\n");
        assert_eq!(reply.code_and_body(), (200, expected.as_str()));
    }
}

#[tokio::test]
async fn an_update_line_is_refused_at_its_position() {
    for (line, error, request) in [
        ("{}", "key: is required, a job key like 123/1/2", "{}"),
        ("{\"key\":7}", "key: must be a string", "{\"key\":7}"),
        (
            "{\"key\":\"1/1/2\",\"state\":7}",
            "state: must be one of pending, running, finished, deleted",
            "{\"key\":\"1/1/2\",\"state\":7}",
        ),
        (
            "{\"key\":\"1/1/1\",\"a\":{\"b\":-Infinity}}",
            "a: must be JSON, which Infinity is not",
            r#""{\"key\":\"1/1/1\",\"a\":{\"b\":-Infinity}}""#,
        ),
    ] {
        let fake = Fake::default();
        let reply = fake.post("/jobq/1/update", line).await;
        let expected = format!("{{\"error\":\"{error}\",\"request\":{request}}}\n");
        assert_eq!(reply.code_and_body(), (200, expected.as_str()));
        assert!(fake.request::<UpdateQueueRequest>().updates.is_empty());
    }
}
