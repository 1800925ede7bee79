//! What jobs put out: each path and the messages that it becomes, each list of lines and its body.

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt as _;
use http::Request;
use http_body_util::BodyExt as _;
use spiderq_proto::v1::*;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    by_id, by_name,
    fake::{Fake, Pages},
    job,
};

type Page = Result<ReadOutputResponse, Status>;

/// Lines from this offset on.
fn page(first: i64, lines: &[&str]) -> Page {
    let next_offset = first + i64::try_from(lines.len()).unwrap();
    Ok(ReadOutputResponse {
        lines: lines.iter().map(|line| Bytes::copy_from_slice(line.as_bytes())).collect(),
        offsets: (first..next_offset).collect(),
        next_offset,
        attempt: 1,
    })
}

fn read(kind: OutputKind) -> ReadOutputRequest {
    ReadOutputRequest { key: "1/2/3".to_owned(), kind: kind.into(), ..ReadOutputRequest::default() }
}

fn row(key: &str) -> Result<ListQueueResponse, Status> {
    Ok(ListQueueResponse { job: Some(job(key)), elapsed: None })
}

fn stats(kind: OutputKind) -> GetOutputStatsResponse {
    let counts = [("b", 2), ("_type", 3), ("a", 1)].map(|(name, count)| (name.to_owned(), count));
    let of = |kind: OutputKind, lines| OutputStats {
        kind: kind.into(),
        lines,
        bytes: 10 * lines,
        counts: counts.clone().into(),
        ..OutputStats::default()
    };
    GetOutputStatsResponse { outputs: vec![of(OutputKind::Logs, 7), of(kind, 3)], attempt: 2 }
}

#[tokio::test]
async fn lines_are_sent_byte_for_byte_and_each_kind_has_its_path() {
    use OutputKind::{Items, Logs, Requests, Samples};
    for (path, kind) in
        [("items", Items), ("logs", Logs), ("requests", Requests), ("samples", Samples)]
    {
        let lines = ["{ \"b\" :1.0,\"a\": \"\\u00e9\"}", "[ 5,6 ]"];
        let fake = Fake::default().responds(vec![page(0, &lines[..1]), page(1, &lines[1..])]);
        let reply = fake.get(&format!("/{path}/1/2/3/")).await;
        assert_eq!(reply.code_and_body(), (200, &*(lines.join("\n") + "\n")));
        assert_eq!(reply.header("content-type"), Some("application/x-jsonlines"));
        assert_eq!(fake.request::<ReadOutputRequest>(), read(kind));
    }
}

#[tokio::test]
async fn parameters_become_fields_of_the_message() {
    let all =
        ReadOutputRequest { min_level: 40, contains: "a b".to_owned(), ..read(OutputKind::Logs) };
    for (query, expected) in [
        (
            "start=1/2/3/4&count=5",
            ReadOutputRequest { start_offset: 4, limit: 5, ..read(OutputKind::Logs) },
        ),
        ("startafter=1/2/3/4", ReadOutputRequest { start_offset: 5, ..read(OutputKind::Logs) }),
        (
            "offset=9&level=WARNING",
            ReadOutputRequest { start_offset: 9, min_level: 30, ..read(OutputKind::Logs) },
        ),
        (
            concat!(
                "filter=%5B%22level%22%2C%20%22%3E%3D%22%2C%20%5B40%5D%5D",
                "&filter=%5B%22message%22,%22contains%22,%5B%22a%20b%22%5D%5D"
            ),
            all,
        ),
        (
            "attempt=2&contains=x&regex=y%2B",
            ReadOutputRequest {
                attempt: Some(2),
                contains: "x".to_owned(),
                regex: "y+".to_owned(),
                ..read(OutputKind::Logs)
            },
        ),
    ] {
        let fake = Fake::default();
        let reply = fake.get(&format!("/logs/1/2/3?{query}")).await;
        assert_eq!(reply.code_and_body(), (200, ""), "{query}");
        assert_eq!(fake.request::<ReadOutputRequest>(), expected, "{query}");
    }
}

#[tokio::test]
async fn indexes_are_read_in_runs() {
    let fake = Fake::default()
        .responds(vec![page(2, &["{\"n\":2}", "{\"n\":3}"])])
        .responds(vec![page(7, &["{\"n\":7}"])]);
    let reply = fake.get("/items/1/2/3?index=3&index=7&index=2&meta=_key&format=json").await;
    let expected =
        r#"[{"n":2,"_key":"1/2/3/2"},{"n":3,"_key":"1/2/3/3"},{"n":7,"_key":"1/2/3/7"}]"#;
    assert_eq!(reply.code_and_body(), (200, expected));
    let run =
        |start_offset, limit| ReadOutputRequest { start_offset, limit, ..read(OutputKind::Items) };
    assert_eq!(fake.requests::<ReadOutputRequest>(), [run(2, 2), run(7, 1)]);
}

#[tokio::test]
async fn what_the_gateway_filters_it_also_counts() {
    let lines = [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#, r#"{"n":4}"#];
    let fake = Fake::default().responds(vec![page(0, &lines[..2]), page(2, &lines[2..])]);
    let reply = fake.get("/items/1/2/3?count=2&filter=%5B%22n%22,%22%3E%22,%5B1%5D%5D").await;
    assert_eq!(reply.code_and_body(), (200, "{\"n\":2}\n{\"n\":3}\n"));
    assert_eq!(fake.request::<ReadOutputRequest>(), read(OutputKind::Items));
}

#[tokio::test]
async fn count_zero_calls_the_service_and_has_no_lines() {
    let fake = Fake::default().responds(vec![page(0, &["{}"])]);
    assert_eq!(fake.get("/items/1/2/3?count=0").await.code_and_body(), (200, ""));
    assert_eq!(fake.request::<ReadOutputRequest>().limit, 1);
}

#[tokio::test]
async fn a_line_and_a_field_of_it() {
    let one = ReadOutputRequest { start_offset: 7, limit: 1, ..read(OutputKind::Items) };
    let line = "{\"a\": [1.0, \"x\"], \"b\":null}";
    let text = format!("{line}\n");
    for (path, body, kind) in [
        ("7", &*text, "application/x-jsonlines"),
        ("7/a", "[1.0, \"x\"]", "application/json"),
        ("7/c", "null", "application/json"),
    ] {
        let fake = Fake::default().responds(vec![page(7, &[line])]);
        let reply = fake.get(&format!("/items/1/2/3/{path}")).await;
        assert_eq!(reply.code_and_body(), (200, body), "{path}");
        assert_eq!(reply.header("content-type"), Some(kind));
        assert_eq!(fake.request::<ReadOutputRequest>(), one);
    }
    let refused = r#"{"error":"Bad Request","message":"index: must be an integer, 0 or more"}"#;
    for path in ["-1", "x", "x/a"] {
        let reply = Fake::default().get(&format!("/items/1/2/3/{path}")).await;
        assert_eq!(reply.code_and_body(), (400, refused));
    }
}

#[tokio::test]
async fn a_job_that_does_not_exist_has_no_lines() {
    for (path, body) in [
        ("/items/1/2/3", ""),
        ("/items/1/2/3?format=json", "[]"),
        ("/items/1/2/3/0", ""),
        ("/items/1/2/3/0/a", "null"),
    ] {
        let fake = Fake::default().responds(Status::not_found("there is no job 1/2/3"));
        assert_eq!(fake.get(path).await.code_and_body(), (200, body), "{path}");
    }
    let refused = r#"{"error":"Not Found","message":"there is no job 1/2/3"}"#;
    let fake = Fake::default().responds(Status::not_found("there is no job 1/2/3"));
    assert_eq!(fake.get("/items/1/2/3/stats").await.code_and_body(), (404, refused));
    let fake = Fake::default().responds(Status::not_found("there is no job 1/2/3"));
    assert_eq!(fake.post("/items/1/2/3", "{}").await.code_and_body(), (404, refused));
}

#[tokio::test]
async fn stats_tell_fields_and_totals_of_their_kind() {
    let shown = r#"{"counts":{"a":1,"b":2},"totals":{"input_bytes":30,"input_values":3}}"#;
    let all = r#"{"counts":{"_type":3,"a":1,"b":2},"totals":{"input_bytes":30,"input_values":3}}"#;
    for (query, body) in [("", shown), ("?all=1", all)] {
        let fake = Fake::default().responds(stats(OutputKind::Items));
        let reply = fake.get(&format!("/items/1/2/3/stats{query}")).await;
        assert_eq!(reply.code_and_body(), (200, body));
        let expected = GetOutputStatsRequest { key: "1/2/3".to_owned(), attempt: None };
        assert_eq!(fake.request::<GetOutputStatsRequest>(), expected);
    }
    let none = r#"{"counts":{},"totals":{"input_bytes":0,"input_values":0}}"#;
    assert_eq!(Fake::default().get("/samples/1/2/3/stats").await.code_and_body(), (200, none));
}

#[tokio::test]
async fn a_table_has_the_counted_fields_where_none_are_named() {
    let fake = Fake::default()
        .responds(stats(OutputKind::Items))
        .responds(vec![page(0, &[r#"{"a":1,"b":"x","_type":"T"}"#])]);
    let path = "/items/1/2/3?include_headers=1&saveas=my%20items.csv";
    let reply = fake.with("GET", path, &[("accept", "text/csv")], "").await;
    assert_eq!(reply.code_and_body(), (200, "_type,a,b\nT,1,x\n"));
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
    let file = "attachment; filename=\"my items.csv\"";
    assert_eq!(reply.header("content-disposition"), Some(file));
    let path = "/items/1/2/3?format=csv&fields=b,a&saveas=..%2Fx";
    let refused =
        r#"{"error":"Bad Request","message":"saveas: must be the name of a file, in ASCII"}"#;
    assert_eq!(Fake::default().get(path).await.code_and_body(), (400, refused));
}

#[tokio::test]
async fn message_pack_is_a_stream_of_objects() {
    let fake = Fake::default().responds(vec![page(0, &[r#"{"a":[1,1.5,"é",null,true]}"#, "{}"])]);
    let headers = [("accept", "application/x-msgpack")];
    let reply = fake.with("GET", "/items/1/2/3?meta=_key", &headers, "").await;
    assert_eq!(reply.header("content-type"), Some("application/x-msgpack"));
    let mut rest = &reply.bytes[..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let value: serde_json::Value = rmp_serde::from_read(&mut rest).unwrap();
        found.push(value.to_string());
    }
    let expected = [r#"{"a":[1,1.5,"é",null,true],"_key":"1/2/3/0"}"#, r#"{"_key":"1/2/3/1"}"#];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn lines_of_many_jobs_come_by_spider_and_job_from_a_key_on() {
    for (path, spiders) in [("/items/1", vec![]), ("/items/1/2", vec![by_id(2)])] {
        let fake = Fake::default()
            .responds(vec![row("1/2/10"), row("1/1/5"), row("1/2/9"), row("1/10/1"), row("1/2/3")])
            .responds(vec![page(5, &["{\"n\":5}"])])
            .responds(Status::not_found("it was removed"))
            .responds(vec![page(0, &["{\"n\":0}"])])
            .responds(vec![page(0, &["{\"n\":1}"])]);
        let query = "startafter=1/2/3/4&meta=_key&nodata=1&count=2";
        let reply = fake.get(&format!("{path}?{query}")).await;
        let body = "{\"_key\":\"1/2/3/5\"}\n{\"_key\":\"1/2/10/0\"}\n";
        assert_eq!(reply.code_and_body(), (200, body));
        let calls = fake.calls();
        assert_eq!(calls, 4, "the list, and jobs until two lines were there");
        let list = ListQueueRequest {
            project: 1,
            filter: Some(JobFilter { spiders, ..JobFilter::default() }),
            limit: 100_001,
            ..ListQueueRequest::default()
        };
        assert_eq!(fake.first_request::<ListQueueRequest>(), list);
    }
}

#[tokio::test]
async fn a_table_of_many_jobs_needs_its_columns() {
    let reply = Fake::default().get("/items/1?format=csv").await;
    let body = r#"{"error":"Bad Request","message":"fields: is required, a list with commas"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
}

#[tokio::test]
async fn lines_are_sent_while_the_service_still_reads() {
    let (mut sender, pages) = futures::channel::mpsc::channel::<Page>(0);
    let pages: Pages = pages.boxed();
    let fake = Fake::default().responds(pages);
    sender.try_send(page(0, &["{\"n\":0}"])).unwrap();
    let request = Request::get("/items/1/2/3?apikey=K").body(Body::empty()).unwrap();
    let mut body = fake.send(request).await.into_body();
    let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(piece, "{\"n\":0}\n");
    // Nothing of the next page is taken before the client reads on.
    sender.try_send(page(1, &["{\"n\":1}"])).unwrap();
    assert!(sender.try_send(page(2, &["{\"n\":2}"])).unwrap_err().is_full());
    let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(piece, "{\"n\":1}\n");
    sender.try_send(Err(Status::unavailable("gone"))).unwrap();
    assert!(body.collect().await.is_err());
}

#[tokio::test]
async fn an_error_before_the_first_line_has_its_code() {
    let fake = Fake::default().responds(Status::permission_denied("not yours"));
    let body = r#"{"error":"Forbidden","message":"not yours"}"#;
    assert_eq!(fake.get("/items/1/2/3").await.code_and_body(), (403, body));
    let fake = Fake::default().responds(vec![Page::Err(Status::permission_denied("not yours"))]);
    assert_eq!(fake.get("/logs/1/2/3").await.code_and_body(), (403, body));
}

#[tokio::test]
async fn a_server_without_output_says_so() {
    let details = ErrorDetails::with_error_info("OUTPUT_DISABLED", "spiderq", []);
    let message = "this server keeps no output";
    let status = Status::with_error_details(Code::FailedPrecondition, message, details);
    let body = r#"{"error":"Not Implemented","message":"this server keeps no output"}"#;
    let fake = Fake::default().responds(status.clone());
    assert_eq!(fake.get("/items/1/2/3").await.code_and_body(), (501, body));
    let fake = Fake::default().responds(status);
    assert_eq!(fake.post("/items/1/2/3?start=0", "{}").await.code_and_body(), (501, body));
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let formats = "format: must be jl, json, csv, xml or msgpack";
    let range = "Content-Range: must name the first line, like: items 500-/*";
    for (method, path, header, message) in [
        ("GET", "/items/1/2/3?format=text", "", formats),
        ("GET", "/items/1/2/3?count=-1", "", "count: must be an integer, 0 or more"),
        (
            "GET",
            "/items/1/2/3?nodata=maybe",
            "",
            "nodata: must be 1 or 0, true or false, yes or no, on or off",
        ),
        (
            "GET",
            "/items/1/2/3?include_headers=null",
            "",
            "include_headers: must be 1 or 0, true or false, yes or no, on or off",
        ),
        ("GET", "/items/1/2/3?sep=", "", "sep: must not be empty"),
        ("POST", "/items/1/2/3?start=0&fence=", "", "fence: must not be empty"),
        ("GET", "/items/1/2/3?meta=_x", "", "meta: must be _key, _ts or _type"),
        (
            "GET",
            "/items/1/2/3?start=1/2/4/0",
            "",
            "start: must be the key of a line of this job, like 1/2/3/0",
        ),
        ("GET", "/items/1/2/3?level=INFO", "", "level: is only for logs"),
        ("GET", "/items/x", "", "project: must be a positive integer"),
        ("GET", "/items/1/x", "", "spider: must be a positive integer"),
        (
            "POST",
            "/items/1/2/3?start=x",
            "",
            "start: must be the key of a line of this job, like 1/2/3/0",
        ),
        ("POST", "/items/1/2/3", "items */*", range),
    ] {
        let fake = Fake::default();
        let headers = [("content-range", header)];
        let headers = if header.is_empty() { &[][..] } else { &headers[..] };
        let reply = fake.with(method, path, headers, "").await;
        let body = format!("{{\"error\":\"Bad Request\",\"message\":\"{message}\"}}");
        assert_eq!(reply.code_and_body(), (400, &*body), "{path}");
        assert_eq!(fake.calls(), 0);
    }
}

#[tokio::test]
async fn older_paths_name_the_job_by_a_parameter() {
    let line = r#"{"time":1566311800654,"level":20,"message":"m"}"#;
    for (path, kind, body) in [
        ("items.jl", OutputKind::Items, format!("{line}\n")),
        ("items.json", OutputKind::Items, format!("[{line}]")),
        ("items.csv?fields=message", OutputKind::Items, "m\n".to_owned()),
        ("log.jl", OutputKind::Logs, format!("{line}\n")),
        ("log.json", OutputKind::Logs, format!("[{line}]")),
        ("log.csv", OutputKind::Logs, "1566311800654,20,m\n".to_owned()),
        ("log.txt", OutputKind::Logs, "2019-08-20 14:36:40 INFO m\n".to_owned()),
    ] {
        let fake = Fake::default().responds(vec![page(4, &[line])]);
        let and = if path.contains('?') { '&' } else { '?' };
        let path = format!("/api/{path}{and}project=1&job=1/2/3&offset=4&count=1");
        assert_eq!(fake.get(&path).await.code_and_body(), (200, &*body), "{path}");
        let expected = ReadOutputRequest { start_offset: 4, limit: 1, ..read(kind) };
        assert_eq!(fake.request::<ReadOutputRequest>(), expected);
    }
}

#[tokio::test]
async fn older_paths_take_the_last_lines_and_the_last_job_of_a_spider() {
    let fake = Fake::default().responds(vec![row("1/2/3")]).responds(vec![page(0, &["{}"])]);
    let reply = fake.get("/api/items.jl?project=1&spider=s&count=-20").await;
    assert_eq!(reply.code_and_body(), (200, "{}\n"));
    let list = ListQueueRequest {
        project: 1,
        filter: Some(JobFilter {
            states: vec![JobState::Finished.into()],
            spiders: vec![by_name("s")],
            ..JobFilter::default()
        }),
        limit: 1,
        ..ListQueueRequest::default()
    };
    assert_eq!(fake.first_request::<ListQueueRequest>(), list);
    let last = ReadOutputRequest { tail: 20, ..read(OutputKind::Items) };
    assert_eq!(fake.last_request::<ReadOutputRequest>(), last);
    let reply = Fake::default().get("/api/items.json?project=1&spider=s").await;
    assert_eq!(reply.code_and_body(), (200, "[]"));
    for (query, message) in [
        ("job=1/2/3", "project: is required, a positive integer"),
        ("project=1", "job: is required, a job key like 123/1/2"),
        ("project=2&job=1/2/3", "job: must be of the given project"),
        ("project=1&job=1/2/3&count=x", "count: must be an integer"),
    ] {
        let reply = Fake::default().get(&format!("/api/items.json?{query}")).await;
        let body = format!("{{\"status\":\"badrequest\",\"message\":\"{message}\"}}");
        assert_eq!(reply.code_and_body(), (400, &*body));
    }
}
