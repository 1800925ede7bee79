//! Code, media type and body of each path's response when there is nothing to show (contract 2);
//! with and without a trailing slash, lists as JSON lines and as an array, requests and responses
//! in gzip.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
};

use Kind::{Empty, Json, Lines, List, Output, Text};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};
use spiderq_tests::{Http, Raw, Response, Stack};

use crate::{access::table::routes, on_each_store};

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No body, and no media type.
    Empty,
    /// `application/json`.
    Json,
    /// `application/x-jsonlines`, whatever is asked for.
    Lines,
    /// `application/x-jsonlines`, or an array if that is asked for.
    List,
    /// The same of lines of output, which have these formats.
    Output(&'static str),
    /// Of this media type.
    Text(&'static str),
}

/// A request to an empty project and its answer.
type Case = (&'static str, &'static str, &'static str, u16, Kind, &'static str);

const NO_JOB: &str = r#"{"error":"Not Found","message":"there is no job 1/1/1"}"#;
const NO_SPIDER: &str = r#"{"status":"error","message":"there is no spider 1/1"}"#;
const PENDING: &str = "{\"name\":\"pending\",\"count\":0,\"summary\":[]}\n";
const SUMMARY: &str = concat!(
    "{\"name\":\"pending\",\"count\":0,\"summary\":[]}\n",
    "{\"name\":\"running\",\"count\":0,\"summary\":[]}\n",
    "{\"name\":\"finished\",\"count\":0,\"summary\":[]}\n"
);

/// In the order of the route table; each with the route that it goes to.
#[rustfmt::skip]
const CASES: [Case; 81] = [
    ("POST /api/run.json", "?project=9&spider=a", "", 200, Json, r#"{"status":"ok","jobid":"9/1/1"}"#),
    ("POST /api/schedule.json", "", "project=9&spider=b", 200, Json, r#"{"status":"ok","jobid":"9/2/1"}"#),
    ("GET /api/jobs/list.json", "?project=1", "", 200, Json, r#"{"status":"ok","count":0,"total":0,"jobs":[]}"#),
    ("GET /api/jobs/list.jl", "?project=1", "", 200, Lines, "{\"status\":\"ok\"}\n"),
    ("GET /api/jobs/count.json", "?project=1", "", 200, Json, r#"{"status":"ok","total":0}"#),
    ("POST /api/jobs/update.json", "", "project=1&job=1/1/1&add_tag=x", 200, Json, r#"{"status":"ok","count":0}"#),
    ("POST /api/jobs/delete.json", "", "project=1&job=1/1/1", 200, Json, r#"{"status":"ok","count":0}"#),
    ("POST /api/jobs/stop.json", "", "project=1&job=1/1/1", 200, Json, r#"{"status":"ok"}"#),
    ("POST /api/jobs/restore.json", "", "project=1&job=1/1/1", 200, Json, r#"{"status":"ok","count":0}"#),
    ("GET /api/scrapyd/listprojects.json", "", "", 200, Json, r#"{"status":"ok","projects":[8,9]}"#),
    ("GET /api/spiders/list.json", "?project=1", "", 200, Json, r#"{"status":"ok","spiders":[]}"#),
    ("GET /api/settings/get.json", "?project=1", "", 200, Json, r#"{"project_settings":{},"organization_settings":{},"enabled_addons":[]}"#),
    ("GET /api/v2/projects/{project}/spiders", "", "", 200, Json, r#"{"count":0,"next":null,"previous":null,"results":[]}"#),
    ("GET /api/v2/projects/{project}/spiders/{spider}", "", "", 404, Json, NO_SPIDER),
    ("PATCH /api/v2/projects/{project}/spiders/{spider}", "", r#"{"max_running":1}"#, 404, Json, NO_SPIDER),
    ("PATCH /api/v2/projects/{project}/spiders/{spider}/tags", "", r#"{"add":["x"]}"#, 404, Json, NO_SPIDER),
    ("GET /api/v2/users/me", "", "", 200, Json, r#"{"username":"admin","role":"admin","projects":null}"#),
    ("GET /api/runners.json", "", "", 200, Json, r#"{"status":"ok","runners":[]}"#),
    ("GET /jobq/{project}/count", "", "", 200, Json, "0"),
    ("GET /jobq/{project}/list", "", "", 200, List, ""),
    ("POST /jobq/{project}/push", "", "", 200, Lines, ""),
    ("POST /jobq/{project}/startjob", "", "", 200, Lines, ""),
    ("POST /jobq/{project}/{spider}/{job}/heartbeat", "", r#"{"fence":"00000000000000000000000000000000"}"#, 404, Json, NO_JOB),
    ("POST /jobq/{project}/update", "", r#"{"key":"1/1/1"}"#, 200, Lines, ""),
    ("POST /jobq/{project}/{spider}/{job}/cancel", "", "", 200, Json, r#"{"count":0}"#),
    ("POST /jobq/{project}/cancel", "", r#"[{"key":"1/1/1"}]"#, 200, Json, r#"{"count":0}"#),
    ("GET /jobq/{project}/summary", "", "", 200, List, SUMMARY),
    ("GET /jobq/{project}/summary/{state}", "", "", 200, List, PENDING),
    ("GET /jobq/{project}/{spider}/summary", "", "", 200, List, SUMMARY),
    ("GET /jobq/{project}/{spider}/summary/{state}", "", "", 200, List, PENDING),
    ("GET /jobq/{project}/jobsummary", "?key=1/1/1", "", 200, List, ""),
    ("GET /projects/{project}/jobsummary", "", "", 200, Json, r#"{"project":1,"pending":0,"running":0,"finished":0,"has_capacity":true,"running_units_count":0,"pending_units_max":null}"#),
    ("GET /projects/jobsummaries", "", "", 200, Json, r#"[{"project":9,"pending":2,"running":0,"finished":0,"has_capacity":true}]"#),
    ("GET /spiders/{project}/lastjobsummary", "", "", 200, List, ""),
    ("GET /spiders/{project}/{spider}/lastjobsummary", "", "", 200, List, ""),
    ("GET /ids/{project}/spider/{*name}", "", "", 200, Json, "null"),
    ("GET /projects/{project}/settings", "", "", 200, Json, "{}"),
    ("POST /projects/{project}/settings", "", "{}", 200, Empty, ""),
    ("DELETE /projects/{project}/settings", "", "", 200, Empty, ""),
    ("GET /projects/{project}/settings/{*name}", "", "", 200, Json, "null"),
    ("POST /projects/{project}/settings/{*name}", "", "{ }", 200, Empty, ""),
    ("DELETE /projects/{project}/settings/{*name}", "", "", 200, Empty, ""),
    ("GET /system/ts", "", "", 200, Json, "1700000000000"),
    ("GET /jobs/{project}/{spider}/{job}", "", "", 200, List, ""),
    ("POST /jobs/{project}/{spider}/{job}", "", r#"{"n":1}"#, 404, Json, NO_JOB),
    ("DELETE /jobs/{project}/{spider}/{job}", "", "", 200, Empty, ""),
    ("GET /jobs/{project}/{spider}/{job}/auth", "", "", 404, Json, NO_JOB),
    ("POST /jobs/{project}/{spider}/{job}/auth", "", "1", 404, Json, NO_JOB),
    ("DELETE /jobs/{project}/{spider}/{job}/auth", "", "", 200, Empty, ""),
    ("GET /jobs/{project}/{spider}/{job}/{*field}", "", "", 200, Json, "null"),
    ("POST /jobs/{project}/{spider}/{job}/{*field}", "", "1", 404, Json, NO_JOB),
    ("DELETE /jobs/{project}/{spider}/{job}/{*field}", "", "", 200, Empty, ""),
    ("GET /items/{project}", "", "", 200, Output("jl, json, csv, xml or msgpack"), ""),
    ("GET /items/{project}/{spider}", "", "", 200, Output("jl, json, csv, xml or msgpack"), ""),
    ("GET /items/{project}/{spider}/{job}", "", "", 200, Output("jl, json, csv, xml or msgpack"), ""),
    ("POST /items/{project}/{spider}/{job}", "?start=0", "{}", 404, Json, NO_JOB),
    ("GET /items/{project}/{spider}/{job}/stats", "", "", 404, Json, NO_JOB),
    ("GET /items/{project}/{spider}/{job}/{index}", "", "", 200, Output("jl, json, csv, xml or msgpack"), ""),
    ("GET /items/{project}/{spider}/{job}/{index}/{*field}", "", "", 200, Json, "null"),
    ("GET /logs/{project}/{spider}/{job}", "", "", 200, Output("jl, json, csv, xml, text or msgpack"), ""),
    ("POST /logs/{project}/{spider}/{job}", "?start=0", "{}", 404, Json, NO_JOB),
    ("GET /logs/{project}/{spider}/{job}/stats", "", "", 404, Json, NO_JOB),
    ("GET /logs/{project}/{spider}/{job}/{index}", "", "", 200, Output("jl, json, csv, xml, text or msgpack"), ""),
    ("GET /logs/{project}/{spider}/{job}/{index}/{*field}", "", "", 200, Json, "null"),
    ("GET /requests/{project}/{spider}/{job}", "", "", 200, Output("jl, json, csv, xml or msgpack"), ""),
    ("POST /requests/{project}/{spider}/{job}", "?start=0", "{}", 404, Json, NO_JOB),
    ("GET /requests/{project}/{spider}/{job}/stats", "", "", 404, Json, NO_JOB),
    ("GET /requests/{project}/{spider}/{job}/{index}", "", "", 200, Output("jl, json, csv, xml or msgpack"), ""),
    ("GET /requests/{project}/{spider}/{job}/{index}/{*field}", "", "", 200, Json, "null"),
    ("GET /samples/{project}/{spider}/{job}", "", "", 200, Output("jl, json, xml or msgpack"), ""),
    ("POST /samples/{project}/{spider}/{job}", "?start=0", "[1]", 404, Json, NO_JOB),
    ("GET /samples/{project}/{spider}/{job}/stats", "", "", 404, Json, NO_JOB),
    ("GET /samples/{project}/{spider}/{job}/{index}", "", "", 200, Output("jl, json, xml or msgpack"), ""),
    ("GET /api/items.json", "?project=1&job=1/1/1", "", 200, Json, "[]"),
    ("GET /api/items.jl", "?project=1&job=1/1/1", "", 200, Lines, ""),
    ("GET /api/items.csv", "?project=1&job=1/1/1&fields=a", "", 200, Text("text/csv; charset=utf-8"), ""),
    ("GET /api/items.xml", "?project=1&job=1/1/1", "", 200, Text("application/xml"), "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<items>\n</items>\n"),
    ("GET /api/log.json", "?project=1&job=1/1/1", "", 200, Json, "[]"),
    ("GET /api/log.jl", "?project=1&job=1/1/1", "", 200, Lines, ""),
    ("GET /api/log.csv", "?project=1&job=1/1/1", "", 200, Text("text/csv; charset=utf-8"), ""),
    ("GET /api/log.txt", "?project=1&job=1/1/1", "", 200, Text("text/plain; charset=utf-8"), ""),
];

async fn send(
    http: &Http,
    case: &Case,
    path: &str,
    headers: &[(&str, &str)],
    gzip: bool,
) -> Response {
    let (route, _, body, ..) = case;
    let method = route.split(' ').next().unwrap().parse().unwrap();
    let mut headers = headers.to_vec();
    if path.starts_with("/api/") && !body.starts_with('{') {
        headers.push(("content-type", "application/x-www-form-urlencoded"));
    }
    if !gzip {
        return http.send(method, path, &headers, *body).await;
    }
    headers.push(("content-encoding", "gzip"));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body.as_bytes()).unwrap();
    http.send(method, path, &headers, packed.finish().unwrap()).await
}

/// The path of a case, with `slash` after it.
fn path(case: &Case, slash: &str) -> String {
    let (route, query, ..) = case;
    let path = route.split(' ').nth(1).unwrap();
    let names = ["{project}", "{spider}", "{job}"];
    let path = names.iter().fold(path.to_owned(), |path, name| path.replace(name, "1"));
    let path = path.replace("{state}", "pending").replace("{*field}", "x").replace("{*name}", "x");
    let path = path.replace("{index}", "0");
    format!("{path}{slash}{query}")
}

fn told(answer: &Response) -> (u16, String, String) {
    (answer.status, answer.header("content-type").to_owned(), answer.text())
}

#[tokio::test]
async fn every_path_responds_in_its_form() {
    on_each_store(async |kind| {
        let mut wrong = Vec::new();
        for (slash, gzip) in [("", false), ("/", true)] {
            let stack = Stack::at(kind, 1_700_000_000_000).await;
            let http = stack.http();
            // A project with a spider and no jobs, so that 404s are of what is missing.
            http.get("/ids/8/spider/s?create=1").await.ok();
            for case in &CASES {
                let path = path(case, slash);
                let answer = send(&http, case, &path, &[], gzip).await;
                let (_, _, _, status, form, body) = *case;
                let kind = match form {
                    Empty => "",
                    Json => "application/json",
                    Lines | List | Output(_) => "application/x-jsonlines",
                    Text(media_type) => media_type,
                };
                let expected = (status, kind.to_owned(), body.to_owned());
                let found = told(&answer);
                if found != expected {
                    wrong.push((path, found, expected));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
}

#[test]
fn every_path_has_a_case() {
    let told: BTreeSet<String> = CASES.iter().map(|case| case.0.to_owned()).collect();
    assert_eq!(told, routes());
}

/// The same rows, whichever way they are asked for.
#[tokio::test]
async fn every_list_is_json_lines_or_an_array() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, 1_700_000_000_000).await;
        let http = stack.http();
        let job = json!({"spider": "s", "state": "finished", "long": "x".repeat(2_000)});
        // With no job, one, and two.
        for _ in 0..3 {
            for case in &CASES {
                let formats = match case.4 {
                    List => "json or jl",
                    Output(formats) => formats,
                    Empty | Json | Lines | Text(_) => continue,
                };
                let path = path(case, "");
                let path = path.replace("key=1/1/1", "key=1/1/1&key=1/1/2");
                let joint = if path.contains('?') { '&' } else { '?' };
                let ask = async |format: &str, accept| {
                    let path = format!("{path}{joint}{format}");
                    send(&http, case, &path, &[("accept", accept)], false).await.ok()
                };
                let lines = ask("", "*/*").await;
                assert_eq!(lines.header("content-type"), "application/x-jsonlines");
                let rows = lines.lines();
                for (format, accept) in [("format=json", "*/*"), ("", "application/json")] {
                    let array = ask(format, accept).await;
                    assert_eq!(array.header("content-type"), "application/json", "{path}");
                    assert_eq!(array.json(), Value::from(rows.clone()), "{path}");
                }
                let again = ask("format=jl", "application/json").await;
                assert_eq!(told(&again), told(&lines), "{path}");
                let bad = http.get(&format!("{path}{joint}format=html")).await;
                let message = json!(format!("format: must be {formats}"));
                assert_eq!((bad.status, &bad.json()["message"]), (400, &message), "{path}");
            }
            http.post("/jobq/1/push", job.to_string()).await.ok();
        }
    })
    .await;
}

/// Some clients match them exactly.
#[tokio::test]
async fn http_1_responses_name_their_headers_in_title_case() {
    let stack = Stack::start(spiderq_tests::StoreKind::Sqlite).await;
    let head = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    for (path, names) in [
        ("/system/ts", &["Content-Type", "X-Request-Id", "Content-Length", "Date"][..]),
        ("/jobq/1/count", &["Content-Type", "Www-Authenticate", "Content-Length"]),
        ("/healthz", &["Content-Type", "Content-Length"]),
    ] {
        let mut raw = Raw::begin(&stack.url, head(path).as_bytes()).await;
        let answer = String::from_utf8(raw.read_to_end().await).unwrap();
        let (head, _) = answer.split_once("\r\n\r\n").unwrap();
        for line in head.lines().skip(1) {
            let words = line.split(':').next().unwrap().split('-');
            let is_title = |word: &str| word.starts_with(|first: char| first.is_ascii_uppercase());
            assert!(words.clone().all(is_title), "{line}");
        }
        for name in names {
            assert!(head.contains(&format!("\r\n{name}: ")), "{name} in {head}");
        }
    }
}

#[tokio::test]
async fn long_responses_are_compressed_for_clients_that_accept_gzip() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let job = json!({"spider": "s", "state": "finished", "long": "x".repeat(2_000)});
        // More than a KiB in each list.
        let jobs = format!("{job}\n").repeat(8);
        http.post("/jobq/1/push", jobs).await.ok();
        for path in [
            "/jobs/1/1/1",
            "/jobs/1/1/1/long",
            "/jobq/1/list?jobmeta=long",
            "/jobq/1/list?jobmeta=long&format=json",
            "/api/jobs/list.json?project=1",
        ] {
            let plain = http.get(path).await.ok();
            assert_eq!(plain.header("content-encoding"), "");
            let headers = [("accept-encoding", "gzip")];
            let packed = http.send(http::Method::GET, path, &headers, "").await.ok();
            assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
            assert_eq!(packed.header("content-type"), plain.header("content-type"));
            let mut text = String::new();
            GzDecoder::new(&packed.body[..]).read_to_string(&mut text).unwrap();
            let still = |text: &str| text.split("elapsed").next().map(str::to_owned);
            assert_eq!(still(&text), still(&plain.text()), "{path}");
        }
    })
    .await;
}
