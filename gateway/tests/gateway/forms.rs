//! The forms that a dash POST takes: each becomes the same message, and each may hold the key.

use spiderq_proto::v1::*;
use tonic::Status;

use crate::{
    by_name,
    fake::{Fake, Reply},
    fields, job, keys, texts,
};

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const JSON: &str = "Application/JSON; charset=utf-8";
const MULTIPART: &str = "multipart/form-data; boundary=\"b1\"";

/// The body of a multipart request with these parts.
fn parts(parts: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| {
        format!("--b1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--b1--\r\n"
}

async fn post(fake: &Fake, path: &str, content_type: &str, body: &str) -> Reply {
    fake.with("POST", path, &[("content-type", content_type)], body.to_owned()).await
}

#[tokio::test]
async fn json_and_multipart_bodies_are_the_same_as_a_form() {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("project", "1")
        .append_pair("spider", "é")
        .append_pair("units", "3")
        .append_pair("add_tag", "t1")
        .append_pair("add_tag", "t2")
        .append_pair("job_settings", r#"{"A": 1.0}"#)
        .append_pair("environment", r#"{"E":"1"}"#)
        .append_pair("meta", r#"{"x":1566311822568.0}"#)
        .append_pair("page", "9007199254740993")
        .append_pair("rate", "1e2")
        .append_pair("deep", "true")
        .append_pair("text", "a\nb")
        .finish();
    let json = r#"{"project":1,"spider":"\u00e9","units":3,"add_tag":["t1","t2"],"job_settings":{"A": 1.0},
        "environment":{"E":"1"},"meta":{"x":1566311822568.0},"page":9007199254740993,"rate":1e2,
        "deep":true,"text":"a\nb","nothing":null,"version":null}"#;
    let texts_in_json = r#"{"project":"1","spider":"é","units":"3","add_tag":"t1","add_tag":"t2","job_settings":"{\"A\": 1.0}",
        "environment":"{\"E\":\"1\"}","meta":"{\"x\":1566311822568.0}","page":"9007199254740993","rate":"1e2",
        "deep":"true","text":"a\nb"}"#;
    let multipart = parts(&[
        ("project", "1"),
        ("spider", "é"),
        ("units", "3"),
        ("add_tag", "t1"),
        ("add_tag", "t2"),
        ("job_settings", r#"{"A": 1.0}"#),
        ("environment", r#"{"E":"1"}"#),
        ("meta", r#"{"x":1566311822568.0}"#),
        ("page", "9007199254740993"),
        ("rate", "1e2"),
        ("deep", "true"),
        ("text", "a\nb"),
    ]);
    let expected = NewJob {
        spider: Some(by_name("é")),
        units: Some(3),
        tags: texts(&["t1", "t2"]),
        job_settings_json: r#"{"A": 1.0}"#.to_owned(),
        spider_args: fields(&[
            ("page", "9007199254740993"),
            ("rate", "1e2"),
            ("deep", "true"),
            ("text", "a\nb"),
        ]),
        metadata_json: fields(&[
            ("api_url", r#""http://spiderq.test:6900/api/""#),
            ("environment", r#"{"E":"1"}"#),
            ("x", "1566311822568.0"),
        ]),
        ..NewJob::default()
    };
    let expected =
        ScheduleJobRequest { project: 1, job: Some(expected), request_id: String::new() };
    for (content_type, body) in
        [(URL_ENCODED, form.as_str()), (JSON, json), (JSON, texts_in_json), (MULTIPART, &multipart)]
    {
        let fake = {
            let job = Some(job("1/2/3"));
            Fake::default().responds(ScheduleJobResponse { job, warnings: Vec::new() })
        };
        let reply = post(&fake, "/api/run.json", content_type, body).await;
        let scheduled = r#"{"status":"ok","jobid":"1/2/3"}"#;
        assert_eq!(reply.code_and_body(), (200, scheduled), "{content_type}");
        assert_eq!(fake.request::<ScheduleJobRequest>(), expected, "{content_type}");
    }
}

#[tokio::test]
async fn lists_of_php_and_javascript_are_lists_in_both_families() {
    let filter = JobFilter {
        states: vec![1, 2],
        spiders: vec![by_name("a"), by_name("b")],
        has_tags: texts(&["c", "d"]),
        lacks_tags: texts(&["e"]),
        keys: texts(&["1/1/1", "1/1/2"]),
        ..JobFilter::default()
    };
    let lists = "state[]=pending&state%5B%5D=running&spider[0]=a&spider[1]=b&has_tag[]=c&has_tag=d\
                 &lacks_tag[0]=e";
    let fake = Fake::default();
    let jobs = "job[]=1/1/1&job[]=1/1/2";
    assert_eq!(fake.get(&format!("/api/jobs/list.json?project=1&{lists}&{jobs}")).await.code, 200);
    assert_eq!(fake.request::<ListJobsRequest>().filter, Some(filter.clone()));
    let fake = Fake::default();
    let jobs = "key[]=1/1/1&key[]=1/1/2&jobmeta[]=x&jobmeta[1]=y";
    assert_eq!(fake.get(&format!("/jobq/1/list?{lists}&{jobs}")).await.code, 200);
    let request = fake.request::<ListQueueRequest>();
    assert_eq!((request.filter, request.metadata_fields), (Some(filter), texts(&["x", "y"])));
    let fake = Fake::default();
    let form = "project=1&job[]=1/1/1&job[]=1/1/2&add_tag[]=a&add_tag[]=b&remove_tag[0]=c";
    assert_eq!(post(&fake, "/api/jobs/update.json", URL_ENCODED, form).await.code, 200);
    let request = fake.request::<UpdateJobsRequest>();
    let tags = TagChanges { add: texts(&["a", "b"]), remove: texts(&["c"]), replace: false };
    assert_eq!((request.filter, request.tag_changes), (keys(&["1/1/1", "1/1/2"]), Some(tags)));
    assert!(request.metadata_json.is_empty());
}

#[tokio::test]
async fn query_and_body_count_together() {
    let fake = Fake::default();
    let path = "/api/jobs/stop.json?project=1&job=1/1/1";
    let reply = post(&fake, path, JSON, r#"{"project":1,"job":["1/1/1","1/1/2"]}"#).await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok"}"#));
    assert_eq!(fake.request::<StopJobsRequest>().filter, keys(&["1/1/1", "1/1/2"]));
    let fake = Fake::default();
    let reply = post(&fake, "/api/jobs/stop.json?project=1", JSON, r#"{"project":2}"#).await;
    let body = r#"{"status":"badrequest","message":"project: must be given once"}"#;
    assert_eq!(reply.code_and_body(), (400, body));
}

#[tokio::test]
async fn parts_that_are_files_or_have_no_name_are_refused() {
    let file = "--b1\r\nContent-Disposition: form-data; name=\"egg\"; filename=\"a.egg\"\r\n\r\nx\r\n--b1--\r\n";
    let nameless = "--b1\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b1--\r\n";
    let latin =
        b"--b1\r\nContent-Disposition: form-data; name=\"spider\"\r\n\r\nlat\xe9\r\n--b1--\r\n";
    for (body, message) in [
        (file.as_bytes(), "egg: must be text: files are not taken here"),
        (nameless.as_bytes(), "body: must have a name in each of its parts"),
        (latin, "spider: must be UTF-8"),
    ] {
        let headers = [("content-type", MULTIPART)];
        let reply = Fake::default().with("POST", "/api/run.json", &headers, body.to_vec()).await;
        let expected = format!("{{\"status\":\"badrequest\",\"message\":\"{message}\"}}");
        assert_eq!(reply.code_and_body(), (400, expected.as_str()));
    }
    for (content_type, body) in [
        ("multipart/form-data", "x"),
        (MULTIPART, "x"),
        (MULTIPART, "--b1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"),
    ] {
        let reply = post(&Fake::default(), "/api/run.json", content_type, body).await;
        let (code, text) = reply.code_and_body();
        let begin =
            r#"{"status":"badrequest","message":"body: must be the parts of multipart/form-data: "#;
        assert!(code == 400 && text.starts_with(begin), "{code} {text}");
    }
}

/// A request without credentials in its header.
async fn anonymous(fake: &Fake, path: &str, content_type: &str, body: &str) -> Reply {
    let request = http::Request::post(path).header("content-type", content_type);
    fake.reply(request.body(body.to_owned().into()).unwrap()).await
}

#[tokio::test]
async fn each_form_may_hold_the_key() {
    let bodies = [
        (URL_ENCODED, "project=1&job=1/1/1&apikey=K".to_owned()),
        (JSON, r#"{"project":1,"job":"1/1/1","apikey":"K"}"#.to_owned()),
        (MULTIPART, parts(&[("project", "1"), ("job", "1/1/1"), ("apikey", "K")])),
    ];
    for (content_type, body) in &bodies {
        let fake = Fake::default();
        let reply = anonymous(&fake, "/api/jobs/stop.json", content_type, body).await;
        assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok"}"#), "{content_type}");
        assert_eq!(fake.metadata().get("authorization").unwrap(), "Bearer K");
        let keyless = body.replace("apikey", "a");
        let reply = anonymous(&fake, "/api/jobs/stop.json", content_type, &keyless).await;
        assert_eq!(reply.code, 401, "{content_type}");
    }
}

#[tokio::test]
async fn a_form_with_a_wrong_key_gets_401_before_any_other_refusal() {
    let refused = || Fake::default().identifies(Err(Status::unauthenticated("no")));
    let bodies = [
        (URL_ENCODED, "project=%FF&apikey=K".to_owned()),
        (JSON, r#"{"project":[1],"apikey":"K"}"#.to_owned()),
        (MULTIPART, parts(&[("project", "x"), ("apikey", "K")])),
    ];
    for (content_type, body) in &bodies {
        for (path, code) in [("/api/run.json", 400), ("/api/none", 404), ("/api/v2/users/me", 405)]
        {
            let reply = anonymous(&Fake::default(), path, content_type, body).await;
            assert_eq!(reply.code, code, "{path} {body}");
            let reply = anonymous(&refused(), path, content_type, body).await;
            let expected = r#"{"status":"error","message":"Authentication failed"}"#;
            assert_eq!(reply.code_and_body(), (401, expected), "{path} {body}");
            assert_eq!(reply.header("allow"), None);
            let keyless = body.replace("apikey", "a");
            let reply = anonymous(&Fake::default(), path, content_type, &keyless).await;
            assert_eq!(reply.code, 401, "{path} {keyless}");
        }
    }
}
