//! Projects, spiders and settings: path → message, response → body.

use spiderq_proto::{FieldMask, time::timestamp, v1::*};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{by_id, by_name, fake::Fake, fields, texts};

fn spider(id: i64, name: &str, version: &str) -> Spider {
    Spider {
        project: 53,
        max_running: None,
        id,
        name: name.to_owned(),
        tags: texts(&["a", "b \"c\""]),
        r#type: SpiderType::Manual.into(),
        version: version.to_owned(),
        project_name: "Books \"53\"".to_owned(),
    }
}

/// A spider as the paths of `/api/v2/` show it.
fn shown(id: i64, name: &str) -> String {
    let rest = r#""tags":["a","b \"c\""],"type":"manual","version":"v1","max_running":null,"#;
    let project = r#""project":{"id":53,"name":"Books \"53\""}"#;
    format!(r#"{{"name":"{name}","jobq_id":{id},{rest}{project}}}"#)
}

#[tokio::test]
async fn projects_are_listed_as_numbers() {
    let page = |projects: &[i64], token: &str| ListProjectsResponse {
        projects: projects.iter().map(|id| Project { id: *id }).collect(),
        next_page_token: token.to_owned(),
    };
    let fake = Fake::default().responds(page(&[1, 53], "T")).responds(page(&[54], ""));
    let reply = fake.get("/api/scrapyd/listprojects.json").await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","projects":[1,53,54]}"#));
    let requests = fake.requests::<ListProjectsRequest>();
    assert!(requests.iter().map(|one| one.page_token.as_str()).eq(["", "T"]));
}

#[tokio::test]
async fn spiders_are_listed_page_by_page() {
    let page = |spiders: Vec<Spider>, token: &str| ListSpidersResponse {
        spiders,
        next_page_token: token.to_owned(),
        total_size: 0,
    };
    let first = (1..=1000).map(|id| spider(id, "s", "v")).collect();
    let fake = Fake::default()
        .responds(page(first, "T"))
        .responds(page(vec![spider(1001, "last", "")], ""));
    let reply = fake.get("/api/spiders/list.json?project=53").await;
    let body: serde_json::Value = serde_json::from_slice(&reply.bytes).unwrap();
    let rows = body["spiders"].as_array().unwrap();
    assert_eq!((body["status"].as_str(), rows.len()), (Some("ok"), 1001));
    let last = r#"{"id":"last","tags":["a","b \"c\""],"type":"manual","version":null}"#;
    assert_eq!(rows[1000].to_string(), last);
    assert_eq!(rows[0]["version"], "v");
    let requests = fake.requests::<ListSpidersRequest>();
    let pages: Vec<_> =
        requests.iter().map(|one| (one.page_token.as_str(), one.page_size)).collect();
    assert_eq!(pages, [("", 1000), ("T", 1000)]);
}

#[tokio::test]
async fn a_spider_is_listed_by_its_name() {
    let fake = Fake::default();
    let reply = fake.get("/api/spiders/list.json?project=53&spider=a%2Fb").await;
    assert_eq!(reply.code_and_body(), (200, r#"{"status":"ok","spiders":[]}"#));
    let request = fake.request::<ListSpidersRequest>();
    assert_eq!((request.project, request.name.as_str()), (53, "a/b"));
    let refused = Fake::default().get("/api/spiders/list.json").await;
    assert_eq!(refused.code, 400);
}

#[tokio::test]
async fn a_spider_is_read_and_tagged_by_its_number_or_its_name() {
    let whole = shown(7, "s");
    let response = || Some(spider(7, "s", "v1"));
    for (part, named) in [
        ("7", by_id(7)),
        ("s", by_name("s")),
        ("7a", by_name("7a")),
        ("-7", by_name("-7")),
        ("0", by_name("0")),
        ("07", by_name("07")),
        ("a%2Fb%20%C3%A9", by_name("a/b é")),
    ] {
        let fake = Fake::default().responds(GetSpiderResponse { spider: response() });
        let reply = fake.get(&format!("/api/v2/projects/53/spiders/{part}")).await;
        assert_eq!(reply.code_and_body(), (200, whole.as_str()));
        let expected = GetSpiderRequest { project: 53, spider: Some(named) };
        assert_eq!(fake.request::<GetSpiderRequest>(), expected);
    }

    let fake = Fake::default().responds(UpdateSpiderResponse { spider: response() });
    let path = "/api/v2/projects/53/spiders/7/tags";
    let json = [("content-type", "application/json")];
    let body = r#"{"add":["x"],"remove":["y","z"]}"#;
    let reply = fake.with("PATCH", path, &json, body).await;
    assert_eq!(reply.code_and_body(), (200, whole.as_str()));
    let (add, remove) = (texts(&["x"]), texts(&["y", "z"]));
    let expected = UpdateSpiderRequest {
        project: 53,
        spider: Some(by_id(7)),
        tag_changes: Some(TagChanges { add, remove, replace: false }),
        ..UpdateSpiderRequest::default()
    };
    assert_eq!(fake.request::<UpdateSpiderRequest>(), expected);
}

#[tokio::test]
async fn spiders_are_paged_as_clients_of_django_expect() {
    let base = "http://spiderq.test:6900/api/v2/projects/53/spiders";
    // Query, spiders before the page, its size, all, numbers of the pages after and before.
    #[rustfmt::skip]
    let cases = [
        ("", 0, 100, 2, None, None),
        ("?page=1&page_size=1", 0, 1, 2, Some("?page=2&page_size=1"), None),
        ("?page_size=1&page=2&apikey=secret", 1, 1, 2, None, Some("?page_size=1")),
        ("?page=2", 100, 100, 201, Some("?page=3"), Some("")),
        ("?page=3", 200, 100, 300, None, Some("?page=2")),
        ("?page_size=5000", 0, 1000, 1001, Some("?page=2&page_size=5000"), None),
    ];
    for (query, before, size, total, next, previous) in cases {
        let spiders = vec![spider(1, "s", "v1"), spider(2, "t", "v1")];
        let next_page_token = "T".to_owned();
        let response = ListSpidersResponse { spiders, next_page_token, total_size: total };
        let fake = Fake::default().responds(response);
        let reply = fake.get(&format!("/api/v2/projects/53/spiders{query}")).await;
        let url = |query: Option<&str>| {
            query.map_or("null".to_owned(), |query| format!("\"{base}{query}\""))
        };
        let body = format!(
            r#"{{"count":{total},"next":{},"previous":{},"results":[{},{}]}}"#,
            url(next),
            url(previous),
            shown(1, "s"),
            shown(2, "t")
        );
        assert_eq!(reply.code_and_body(), (200, body.as_str()), "{query}");
        let request = fake.request::<ListSpidersRequest>();
        let expected = ListSpidersRequest {
            project: 53,
            skip: before,
            page_size: size,
            with_total_size: true,
            ..ListSpidersRequest::default()
        };
        assert_eq!(request, expected, "{query}");
    }
}

#[tokio::test]
async fn only_the_first_page_of_spiders_may_be_empty() {
    for (query, code, body) in [
        ("", 200, r#"{"count":0,"next":null,"previous":null,"results":[]}"#),
        ("?page=2", 404, r#"{"status":"error","message":"there is no page 2"}"#),
        (
            "?page=9223372036854775807",
            404,
            r#"{"status":"error","message":"there is no page 9223372036854775807"}"#,
        ),
        ("?page=0", 400, r#"{"status":"badrequest","message":"page: must be a positive integer"}"#),
        (
            "?page_size=x",
            400,
            r#"{"status":"badrequest","message":"page_size: must be a positive integer"}"#,
        ),
    ] {
        let reply = Fake::default().get(&format!("/api/v2/projects/53/spiders{query}")).await;
        assert_eq!(reply.code_and_body(), (code, body), "{query}");
    }
}

#[tokio::test]
async fn a_spider_is_limited_by_its_number() {
    let path = "/api/v2/projects/53/spiders/7";
    for (body, most, body_text) in [
        (r#"{"max_running":1000000}"#, Some(1_000_000), "1000000"),
        (r#"{"max_running":0}"#, Some(0), "0"),
        (r#"{"max_running":null}"#, None, "null"),
    ] {
        let spider = Spider { max_running: most, ..spider(7, "s", "") };
        let spider = Some(spider);
        let fake = Fake::default().responds(UpdateSpiderResponse { spider });
        let reply = fake.with("PATCH", path, &[], body).await;
        let body_text = format!(
            "{}{body_text}{}",
            r#"{"name":"s","jobq_id":7,"tags":["a","b \"c\""],"type":"manual","version":null,"max_running":"#,
            r#","project":{"id":53,"name":"Books \"53\""}}"#
        );
        assert_eq!(reply.code_and_body(), (200, body_text.as_str()));
        let expected = UpdateSpiderRequest {
            project: 53,
            spider: Some(by_id(7)),
            values: Some(Spider { max_running: most, ..Spider::default() }),
            update_mask: Some(FieldMask { paths: texts(&["max_running"]) }),
            tag_changes: None,
        };
        assert_eq!(fake.request::<UpdateSpiderRequest>(), expected);
    }
    let accepted = "max_running: must be a whole number from 0 to 1000000, or null";
    for (body, body_text) in [
        ("{}", "max_running: is required"),
        (r#"{"max_running":-1}"#, accepted),
        (r#"{"max_running":4294967296}"#, accepted),
        (r#"{"max_running":1.5}"#, accepted),
        (r#"{"max_running":"1"}"#, accepted),
    ] {
        let fake = Fake::default();
        let reply = fake.with("PATCH", path, &[], body).await;
        let body_text = format!(r#"{{"status":"badrequest","message":"{body_text}"}}"#);
        assert_eq!(reply.code_and_body(), (400, body_text.as_str()), "{body}");
        assert_eq!(fake.calls(), 0);
    }
}

#[tokio::test]
async fn an_empty_change_of_tags_is_refused_in_its_own_form() {
    let path = "/api/v2/projects/53/spiders/7/tags";
    for body in ["{}", r#"{"add":[],"remove":null}"#] {
        let fake = Fake::default();
        let reply = fake.with("PATCH", path, &[], body).await;
        let body_text = r#"{"non_field_errors":["At least one of \"add\" or \"remove\" arguments must not be empty"]}"#;
        assert_eq!(reply.code_and_body(), (400, body_text));
        assert_eq!(fake.calls(), 0);
    }
    let reply = Fake::default().with("PATCH", path, &[], r#"{"add":"x"}"#).await;
    let body_text = r#"{"status":"badrequest","message":"add: must be an array of strings"}"#;
    assert_eq!(reply.code_and_body(), (400, body_text));
}

#[tokio::test]
async fn an_api_key_has_the_name_and_role_of_its_owner() {
    let identity = |projects: &[i64]| GetIdentityResponse {
        owner: "ann".to_owned(),
        role: Role::User.into(),
        projects: projects.to_vec(),
        session_expire_time: None,
    };
    for (projects, body_text) in [(&[][..], "null"), (&[1, 53], "[1,53]")] {
        let fake = Fake::default().identifies(Ok(identity(projects)));
        let reply = fake.get("/api/v2/users/me?apikey=K").await;
        let body = format!(r#"{{"username":"ann","role":"user","projects":{body_text}}}"#);
        assert_eq!(reply.code_and_body(), (200, body.as_str()));
    }
    let unauthenticated = Status::unauthenticated("Authentication failed");
    let fake = Fake::default().identifies(Err(unauthenticated));
    assert_eq!(fake.get("/api/v2/users/me").await.code, 401);
}

#[tokio::test]
async fn a_spider_has_a_number_or_null() {
    let found = || Some(spider(7, "s", ""));
    for query in ["", "?create=off"] {
        let fake = Fake::default().responds(GetSpiderResponse { spider: found() });
        let reply = fake.get(&format!("/ids/53/spider/a%2Fb%20c{query}")).await;
        assert_eq!(reply.code_and_body(), (200, "7"));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let expected = GetSpiderRequest { project: 53, spider: Some(by_name("a/b c")) };
        assert_eq!(fake.request::<GetSpiderRequest>(), expected);
    }
    for query in ["?create=1", "?create=True"] {
        let fake = Fake::default().responds(EnsureSpiderResponse { spider: found() });
        let reply = fake.get(&format!("/ids/53/spider/a%2Fb%20c{query}")).await;
        assert_eq!(reply.code_and_body(), (200, "7"));
        let expected = EnsureSpiderRequest { project: 53, name: "a/b c".to_owned() };
        assert_eq!(fake.request::<EnsureSpiderRequest>(), expected);
    }
    for (query, path) in [("", "spider.name"), ("?create=1", "name")] {
        let details = ErrorDetails::with_bad_request_violation(path, "must be good");
        let status = Status::with_error_details(tonic::Code::InvalidArgument, "", details);
        let reply = Fake::default().responds(status).get(&format!("/ids/1/spider/x{query}")).await;
        let body = r#"{"error":"Bad Request","message":"spider: must be good"}"#;
        assert_eq!(reply.code_and_body(), (400, body));
    }
    let fake = Fake::default().responds(Status::not_found("none"));
    assert_eq!(fake.get("/ids/53/spider/s").await.code_and_body(), (200, "null"));
    let refused = Fake::default().get("/ids/53/spider/s?create=x").await;
    let body_text = r#"{"error":"Bad Request","message":"create: must be 1 or 0, true or false, yes or no, on or off"}"#;
    assert_eq!(refused.code_and_body(), (400, body_text));
}

#[tokio::test]
async fn settings_are_read_all_at_once_or_one_by_one() {
    let settings_json = fields(&[("a", "1566311822568.0"), ("b/c", "[ ]")]);
    let settings = GetProjectSettingsResponse { settings_json };
    for (path, body_text) in [
        ("/projects/53/settings", r#"{"a":1566311822568.0,"b/c":[ ]}"#),
        ("/projects/53/settings/a", "1566311822568.0"),
        ("/projects/53/settings/b/c", "[ ]"),
        ("/projects/53/settings/b%2Fc", "[ ]"),
        ("/projects/53/settings/nothing", "null"),
    ] {
        let fake = Fake::default().responds(settings.clone());
        assert_eq!(fake.get(path).await.code_and_body(), (200, body_text), "{path}");
        assert_eq!(fake.request::<GetProjectSettingsRequest>().project, 53);
    }
}

#[tokio::test]
async fn settings_are_set_and_removed() {
    for (path, body, settings_json) in [
        ("/projects/53/settings", r#"{"a":1.0,"b":[ ]}"#, fields(&[("a", "1.0"), ("b", "[ ]")])),
        ("/projects/53/settings/a", "1.0", fields(&[("a", "1.0")])),
    ] {
        let fake = Fake::default();
        assert_eq!(fake.post(path, body).await.code_and_body(), (200, ""));
        let expected =
            UpdateProjectSettingsRequest { project: 53, settings_json, ..Default::default() };
        assert_eq!(fake.request::<UpdateProjectSettingsRequest>(), expected);
    }
    let all = Some(FieldMask { paths: texts(&["settings_json"]) });
    for (path, update_mask, remove) in [
        ("/projects/53/settings", all, &[][..]),
        ("/projects/53/settings/a.b", None, &["a.b"]),
        ("/projects/53/settings/*", None, &["*"]),
    ] {
        let fake = Fake::default();
        assert_eq!(fake.with("DELETE", path, &[], "").await.code_and_body(), (200, ""));
        let expected = UpdateProjectSettingsRequest {
            project: 53,
            update_mask,
            remove_settings: texts(remove),
            ..Default::default()
        };
        assert_eq!(fake.request::<UpdateProjectSettingsRequest>(), expected);
    }
    let refused = Fake::default().post("/projects/53/settings/a", "NaN").await;
    let body_text = r#"{"error":"Bad Request","message":"a: must be JSON, which NaN is not"}"#;
    assert_eq!(refused.code_and_body(), (400, body_text));
}

#[tokio::test]
async fn the_time_needs_no_key() {
    let fake =
        Fake::default().responds(GetServerTimeResponse { server_time: Some(timestamp(1_566)) });
    let request = http::Request::get("/system/ts");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let reply = fake.send(request).await;
    assert_eq!(reply.status(), 200);
    let body = http_body_util::BodyExt::collect(reply.into_body()).await;
    assert_eq!(body.unwrap().to_bytes(), "1566");
}

#[tokio::test]
async fn runners_are_listed_with_what_is_not_known_as_null() {
    let status = RunnerStatus {
        state: RunnerState::Lost.into(),
        running_jobs: 1,
        running_units: 2,
        free_disk_bytes: None,
        report_time: Some(timestamp(9)),
    };
    let runner = Runner {
        id: "i".to_owned(),
        name: "a \"b\"@h".to_owned(),
        version: "1".to_owned(),
        projects: vec![53, 54],
        units: 4,
        status: Some(status),
        ..Runner::default()
    };
    let fake = Fake::default().responds(ListRunnersResponse {
        runners: vec![runner],
        next_page_token: "next".to_owned(),
    });
    let reply = fake.get("/api/runners.json?project=53&gone=yes&page_token=a+page").await;
    let body = concat!(
        r#"{"status":"ok","runners":[{"id":"i","name":"a \"b\"@h","state":"lost","version":"1","#,
        r#""projects":[53,54],"only_spiders":[],"has_tags":[],"lacks_tags":[],"units":4,"#,
        r#""running_units":2,"running_jobs":1,"spiders":null,"free_disk_bytes":null,"#,
        r#""start_time":0,"report_time":9}],"next_page_token":"next"}"#,
    );
    assert_eq!(reply.code_and_body(), (200, body));
    let expected = ListRunnersRequest {
        project: 53,
        show_gone: true,
        page_size: 0,
        page_token: "a page".to_owned(),
    };
    assert_eq!(fake.request::<ListRunnersRequest>(), expected);
}
