//! The forms in which clients send the same request: URL-encoded, JSON, multipart, lists as PHP
//! and JavaScript write them. All get the same answer and leave the same jobs.

use http::Method;
use serde_json::Value;
use spiderq_tests::{Http, Stack};

use crate::{helpers::NOW, on_each_store};

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const MULTIPART: &str = "multipart/form-data; boundary=B";

/// One request in all its forms. `{P}` stands for a project that has the pending jobs 1/1 and 1/2.
struct Case {
    path: &'static str,
    /// Content types and bodies. In a multipart body `{NAME}` begins a part.
    bodies: &'static [(&'static str, &'static str)],
    answer: &'static str,
    /// What is read afterwards, and what it answers; `{URL}` is the server's.
    reads: &'static [(&'static str, &'static str)],
}

const CASES: [Case; 6] = [
    Case {
        path: "/api/run.json",
        bodies: &[
            (
                URL_ENCODED,
                "project={P}&spider=s&units=2&priority=4&add_tag=a&add_tag=b&n=9007199254740993&x=1e2&yes=true&job_settings=%7B%22A%22%3A+1.0%7D&environment=%7B%22E%22%3A%221%22%7D&meta=%7B%22m%22%3A1566311822568.0%7D&text=%C3%A9+%26%2B",
            ),
            (
                URL_ENCODED,
                "project={P}&spider=s&units=2&priority=4&add_tag[]=a&add_tag[]=b&n=9007199254740993&x=1e2&yes=true&job_settings=%7B%22A%22%3A+1.0%7D&environment=%7B%22E%22%3A%221%22%7D&meta=%7B%22m%22%3A1566311822568.0%7D&text=%C3%A9+%26%2B",
            ),
            (
                JSON,
                r#"{"project":{P},"spider":"s","units":2,"priority":4,"add_tag":["a","b"],"n":9007199254740993,"x":1e2,"yes":true,"job_settings":{"A": 1.0},"environment":{"E":"1"},"meta":{"m":1566311822568.0},"text":"\u00e9 &+","none":null}"#,
            ),
            (
                JSON,
                r#"{"project":"{P}","spider":"s","units":"2","priority":"4","add_tag":["a","b"],"n":"9007199254740993","x":"1e2","yes":"true","job_settings":"{\"A\": 1.0}","environment":"{\"E\":\"1\"}","meta":"{\"m\":1566311822568.0}","text":"é &+"}"#,
            ),
            (
                MULTIPART,
                r#"{project}{P}{spider}s{units}2{priority}4{add_tag}a{add_tag}b{n}9007199254740993{x}1e2{yes}true{job_settings}{"A": 1.0}{environment}{"E":"1"}{meta}{"m":1566311822568.0}{text}é &+"#,
            ),
        ],
        answer: r#"{"status":"ok","jobid":"{P}/1/3"}"#,
        reads: &[(
            "/jobs/{P}/1/3",
            r#"{"project":{P},"spider":"s","state":"pending","priority":4,"units":2,"tags":["a","b"],"spider_type":"manual","scheduled_by":"admin","pending_time":1566311800654,"api_url":"{URL}/api/","job_settings":{"A": 1.0},"environment":{"E":"1"},"m":1566311822568.0,"spider_args":{"n":"9007199254740993","text":"é &+","x":"1e2","yes":"true"}}"#,
        )],
    },
    Case {
        path: "/api/schedule.json?project={P}&a=1&add_tag[0]=x",
        bodies: &[
            (URL_ENCODED, "spider=s&a=1&project={P}"),
            (JSON, r#"{"spider":"s","a":1,"project":{P}}"#),
            (MULTIPART, "{spider}s{a}1{project}{P}"),
        ],
        answer: r#"{"status":"ok","jobid":"{P}/1/3"}"#,
        reads: &[("/jobs/{P}/1/3/spider_args", r#"{"a":"1"}"#), ("/jobs/{P}/1/3/tags", r#"["x"]"#)],
    },
    Case {
        path: "/api/jobs/update.json",
        bodies: &[
            (
                URL_ENCODED,
                "project={P}&job={P}/1/1&job={P}/1/2&add_tag=a&add_tag=b&remove_tag=c&units=3&note=7",
            ),
            (
                URL_ENCODED,
                "project={P}&job[]={P}/1/1&job[]={P}/1/2&add_tag[0]=a&add_tag[1]=b&remove_tag[]=c&units=3&note=7",
            ),
            (
                JSON,
                r#"{"project":{P},"job":["{P}/1/1","{P}/1/2"],"add_tag":["a","b"],"remove_tag":"c","units":3,"note":7}"#,
            ),
            (
                MULTIPART,
                "{project}{P}{job}{P}/1/1{job}{P}/1/2{add_tag}a{add_tag}b{remove_tag}c{units}3{note}7",
            ),
        ],
        answer: r#"{"status":"ok","count":2}"#,
        reads: &[
            ("/jobs/{P}/1/1/tags", r#"["a","b"]"#),
            ("/jobs/{P}/1/2/units", "3"),
            ("/jobs/{P}/1/2/note", r#""7""#),
        ],
    },
    Case {
        path: "/api/jobs/stop.json",
        bodies: &[
            (URL_ENCODED, "project={P}&job={P}/1/1&job={P}/1/2"),
            (URL_ENCODED, "project={P}&job[]={P}/1/1&job[]={P}/1/2"),
            (JSON, r#"{"project":{P},"job":["{P}/1/1","{P}/1/2"]}"#),
            (MULTIPART, "{project}{P}{job}{P}/1/1{job}{P}/1/2"),
        ],
        answer: r#"{"status":"ok"}"#,
        reads: &[("/jobq/{P}/count?state[]=finished&state[]=running", "2")],
    },
    Case {
        path: "/api/jobs/delete.json?project={P}",
        bodies: &[
            (URL_ENCODED, "job={P}/1/2"),
            (JSON, r#"{"job":"{P}/1/2"}"#),
            (MULTIPART, "{job}{P}/1/2"),
        ],
        answer: r#"{"status":"ok","count":1}"#,
        reads: &[
            ("/jobq/{P}/count?state[]=pending&state[]=running", "1"),
            ("/jobq/{P}/count?state[0]=deleted&key[]={P}/1/2&key[]={P}/1/1", "1"),
        ],
    },
    Case {
        path: "/api/jobs/delete.json?project={P}&job={P}/1/1&job={P}/1/2",
        bodies: &[(URL_ENCODED, ""), (JSON, "{}"), (MULTIPART, ""), ("text/plain", "")],
        answer: r#"{"status":"ok","count":2}"#,
        reads: &[("/api/jobs/count.json?project={P}", r#"{"status":"ok","total":0}"#)],
    },
];

/// A multipart body of the parts that `{NAME}` begins. Text in braces that is no name of letters
/// belongs to the part.
fn parts(text: &str) -> String {
    let mut body = String::new();
    let mut rest = text;
    while let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        let begins = |at: &usize| {
            let name = after[at + 1..].split('}').next().unwrap_or_default();
            !name.is_empty() && name.chars().all(|char| char.is_ascii_lowercase() || char == '_')
        };
        let end = after.match_indices('{').map(|(at, _)| at).find(begins).unwrap_or(after.len());
        let head = format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"");
        body += &format!("{head}\r\n\r\n{}\r\n", &after[..end]);
        rest = &after[end..];
    }
    body + "--B--\r\n"
}

/// The answer to one form of a case, and what is read after it, with `{P}` for the project.
async fn told(http: &Http, case: &Case, form: (&str, &str), project: usize) -> Vec<String> {
    let number = project.to_string();
    let filled = |text: &str| text.replace("{P}", &number);
    let jobs = "{\"spider\":\"s\",\"tags\":[\"c\"]}\n".repeat(2);
    http.post(&filled("/jobq/{P}/push"), jobs).await.ok();
    let (content_type, body) = form;
    let body = match content_type == MULTIPART && !body.is_empty() {
        true => parts(&filled(body)),
        false => filled(body),
    };
    let headers = [("content-type", content_type)];
    let answer = http.send(Method::POST, &filled(case.path), &headers, body.clone()).await;
    assert_eq!(answer.status, 200, "{content_type} {body}: {answer}");
    let mut told = vec![answer.text()];
    for (path, _) in case.reads {
        told.push(http.get(&filled(path)).await.ok().text());
    }
    told.into_iter().map(|text| text.replace(&number, "{P}")).collect()
}

#[tokio::test]
async fn every_form_of_a_request_does_the_same() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let (http, url) = (stack.http(), stack.url.clone());
        let mut project = 77_000;
        for case in &CASES {
            let expected = [case.answer].into_iter().chain(case.reads.iter().map(|read| read.1));
            let expected: Vec<Value> =
                expected.map(|text| value(&text.replace("{URL}", &url))).collect();
            let mut first: Option<Vec<String>> = None;
            for form in case.bodies {
                project += 1;
                let told = told(&http, case, *form, project).await;
                let values: Vec<Value> = told.iter().map(|text| value(text)).collect();
                assert_eq!(values, expected, "{} {form:?}", case.path);
                assert_eq!(*first.get_or_insert_with(|| told.clone()), told, "byte for byte");
            }
        }
    })
    .await;
}

/// JSON in which `{P}` stands for a number.
fn value(text: &str) -> Value {
    serde_json::from_str(&text.replace("{P}", "123"))
        .unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[tokio::test]
async fn flags_are_read_in_the_words_of_many_languages() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        for (number, yes) in
            ["True", "1", "true", "TRUE", "yes", "Yes", "on", "ON"].iter().enumerate()
        {
            for no in ["False", "0", "false", "no", "No", "off", "OFF"] {
                let path = format!("/ids/5/spider/{yes}?create={no}");
                assert_eq!(http.get(&path).await.ok().text(), "null", "{path}");
            }
            let path = format!("/ids/5/spider/{yes}?create={yes}");
            assert_eq!(http.get(&path).await.ok().text(), (number + 1).to_string(), "{path}");
        }
    })
    .await;
}
