//! Projects, spiders and settings: path → message, answer → body.

use spiderq_proto::v1::*;
use tonic::Status;

use crate::{fake::Fake, fields, texts};

fn spider(id: i64, name: &str, version: &str) -> Spider {
    Spider {
        max_running: None,
        id,
        name: name.to_owned(),
        tags: texts(&["a", "b \"c\""]),
        r#type: "manual".to_owned(),
        version: version.to_owned(),
    }
}

#[tokio::test]
async fn projects_are_listed_as_numbers() {
    let fake = Fake::default().answers(ListProjectsResponse { projects: vec![1, 53] });
    let reply = fake.get("/api/scrapyd/listprojects.json").await;
    assert_eq!(reply.told(), (200, r#"{"status":"ok","projects":[1,53]}"#));
    assert_eq!(fake.asked::<ListProjectsRequest>(), ListProjectsRequest {});
}

#[tokio::test]
async fn spiders_are_listed_page_by_page() {
    let page: Vec<Spider> = (1..=1000).map(|id| spider(id, "s", "v")).collect();
    let fake = Fake::default()
        .answers(ListSpidersResponse { spiders: page })
        .answers(ListSpidersResponse { spiders: vec![spider(1001, "last", "")] });
    let reply = fake.get("/api/spiders/list.json?project=53").await;
    let body: serde_json::Value = serde_json::from_slice(&reply.bytes).unwrap();
    let rows = body["spiders"].as_array().unwrap();
    assert_eq!((body["status"].as_str(), rows.len()), (Some("ok"), 1001));
    let last = r#"{"id":"last","tags":["a","b \"c\""],"type":"manual","version":null}"#;
    assert_eq!(rows[1000].to_string(), last);
    assert_eq!(rows[0]["version"], "v");
    let asked = fake.all::<ListSpidersRequest>();
    let pages: Vec<_> = asked.iter().map(|one| (one.start_after, one.count)).collect();
    assert_eq!(pages, [(0, 1000), (1000, 1000)]);
}

#[tokio::test]
async fn a_spider_is_listed_by_its_name() {
    let fake = Fake::default();
    let reply = fake.get("/api/spiders/list.json?project=53&spider=a%2Fb").await;
    assert_eq!(reply.told(), (200, r#"{"status":"ok","spiders":[]}"#));
    let asked = fake.asked::<ListSpidersRequest>();
    assert_eq!((asked.project, asked.name.as_str()), (53, "a/b"));
    let refused = Fake::default().get("/api/spiders/list.json").await;
    assert_eq!(refused.code, 400);
}

#[tokio::test]
async fn a_spider_is_read_and_tagged_by_its_number() {
    let whole = concat!(
        r#"{"name":"s","jobq_id":7,"tags":["a","b \"c\""],"type":"manual","version":"v1","#,
        r#""max_running":null,"project":{"id":53}}"#
    );
    let answer = || Some(spider(7, "s", "v1"));
    let fake = Fake::default().answers(GetSpiderResponse { spider: answer() });
    let reply = fake.get("/api/v2/projects/53/spiders/7").await;
    assert_eq!(reply.told(), (200, whole));
    let expected = GetSpiderRequest {
        project: 53,
        spider: Some(get_spider_request::Spider::Id(7)),
        create: false,
    };
    assert_eq!(fake.asked::<GetSpiderRequest>(), expected);

    let fake = Fake::default().answers(UpdateSpiderTagsResponse { spider: answer() });
    let path = "/api/v2/projects/53/spiders/7/tags";
    let json = [("content-type", "application/json")];
    let body = r#"{"add":["x"],"remove":["y","z"]}"#;
    let reply = fake.with("PATCH", path, &json, body).await;
    assert_eq!(reply.told(), (200, whole));
    let expected = UpdateSpiderTagsRequest {
        project: 53,
        spider_id: 7,
        add: texts(&["x"]),
        remove: texts(&["y", "z"]),
    };
    assert_eq!(fake.asked::<UpdateSpiderTagsRequest>(), expected);
}

#[tokio::test]
async fn a_spider_is_limited_by_its_number() {
    let path = "/api/v2/projects/53/spiders/7";
    for (body, most, told) in [
        (r#"{"max_running":4294967295}"#, Some(u32::MAX), "4294967295"),
        (r#"{"max_running":0}"#, Some(0), "0"),
        (r#"{"max_running":null}"#, None, "null"),
    ] {
        let spider = Spider { max_running: most, ..spider(7, "s", "") };
        let spider = Some(spider);
        let fake = Fake::default().answers(LimitSpiderResponse { spider });
        let reply = fake.with("PATCH", path, &[], body).await;
        let told = format!(
            "{}{told}{}",
            r#"{"name":"s","jobq_id":7,"tags":["a","b \"c\""],"type":"manual","version":null,"max_running":"#,
            r#","project":{"id":53}}"#
        );
        assert_eq!(reply.told(), (200, told.as_str()));
        let expected = LimitSpiderRequest { project: 53, spider_id: 7, max_running: most };
        assert_eq!(fake.asked::<LimitSpiderRequest>(), expected);
    }
    let accepted = "max_running: must be a whole number from 0 to 4294967295, or null";
    for (body, told) in [
        ("{}", "max_running: is required"),
        (r#"{"max_running":-1}"#, accepted),
        (r#"{"max_running":4294967296}"#, accepted),
        (r#"{"max_running":1.5}"#, accepted),
        (r#"{"max_running":"1"}"#, accepted),
    ] {
        let fake = Fake::default();
        let reply = fake.with("PATCH", path, &[], body).await;
        let told = format!(r#"{{"status":"badrequest","message":"{told}"}}"#);
        assert_eq!(reply.told(), (400, told.as_str()), "{body}");
        assert_eq!(fake.calls(), 0);
    }
}

#[tokio::test]
async fn an_empty_change_of_tags_is_refused_in_its_own_form() {
    let path = "/api/v2/projects/53/spiders/7/tags";
    for body in ["{}", r#"{"add":[],"remove":null}"#] {
        let fake = Fake::default();
        let reply = fake.with("PATCH", path, &[], body).await;
        let told = r#"{"non_field_errors":["add or remove: at least one tag is required"]}"#;
        assert_eq!(reply.told(), (400, told));
        assert_eq!(fake.calls(), 0);
    }
    let reply = Fake::default().with("PATCH", path, &[], r#"{"add":"x"}"#).await;
    let told = r#"{"status":"badrequest","message":"add: must be an array of strings"}"#;
    assert_eq!(reply.told(), (400, told));
}

#[tokio::test]
async fn a_key_is_told_whose_it_is() {
    let identity = |projects: &[i64]| GetIdentityResponse {
        name: "ann".to_owned(),
        role: Role::User.into(),
        projects: projects.to_vec(),
    };
    for (projects, told) in [(&[][..], "null"), (&[1, 53], "[1,53]")] {
        let fake = Fake::default().knows(Ok(identity(projects)));
        let reply = fake.get("/api/v2/users/me?apikey=K").await;
        let body = format!(r#"{{"username":"ann","role":"user","projects":{told}}}"#);
        assert_eq!(reply.told(), (200, body.as_str()));
    }
    let nobody = Status::unauthenticated("Authentication failed");
    let fake = Fake::default().knows(Err(nobody));
    assert_eq!(fake.get("/api/v2/users/me").await.code, 401);
}

#[tokio::test]
async fn a_spiders_number_or_null() {
    for (query, create) in [("", false), ("?create=1", true), ("?create=0", false)] {
        let fake = Fake::default().answers(GetSpiderResponse { spider: Some(spider(7, "s", "")) });
        let reply = fake.get(&format!("/ids/53/spider/a%2Fb%20c{query}")).await;
        assert_eq!(reply.told(), (200, "7"));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let expected = GetSpiderRequest {
            project: 53,
            spider: Some(get_spider_request::Spider::Name("a/b c".to_owned())),
            create,
        };
        assert_eq!(fake.asked::<GetSpiderRequest>(), expected);
    }
    let fake = Fake::default().answers(Status::not_found("none"));
    assert_eq!(fake.get("/ids/53/spider/s").await.told(), (200, "null"));
    let refused = Fake::default().get("/ids/53/spider/s?create=x").await;
    let told = r#"{"error":"Bad Request","message":"create: must be 1 or 0"}"#;
    assert_eq!(refused.told(), (400, told));
}

#[tokio::test]
async fn settings_are_read_whole_or_one_by_one() {
    let settings =
        GetSettingsResponse { settings: fields(&[("a", "1566311822568.0"), ("b/c", "[ ]")]) };
    for (path, told) in [
        ("/projects/53/settings", r#"{"a":1566311822568.0,"b/c":[ ]}"#),
        ("/projects/53/settings/a", "1566311822568.0"),
        ("/projects/53/settings/b/c", "[ ]"),
        ("/projects/53/settings/b%2Fc", "[ ]"),
        ("/projects/53/settings/nothing", "null"),
    ] {
        let fake = Fake::default().answers(settings.clone());
        assert_eq!(fake.get(path).await.told(), (200, told), "{path}");
        assert_eq!(fake.asked::<GetSettingsRequest>().project, 53);
    }
}

#[tokio::test]
async fn settings_are_set_and_removed() {
    for (path, body, settings) in [
        ("/projects/53/settings", r#"{"a":1.0,"b":[ ]}"#, fields(&[("a", "1.0"), ("b", "[ ]")])),
        ("/projects/53/settings/a", "1.0", fields(&[("a", "1.0")])),
    ] {
        let fake = Fake::default();
        assert_eq!(fake.post(path, body).await.told(), (200, ""));
        let expected = SetSettingsRequest { project: 53, settings };
        assert_eq!(fake.asked::<SetSettingsRequest>(), expected);
    }
    for (path, names, all) in [
        ("/projects/53/settings", texts(&[]), true),
        ("/projects/53/settings/a", texts(&["a"]), false),
    ] {
        let fake = Fake::default();
        assert_eq!(fake.with("DELETE", path, &[], "").await.told(), (200, ""));
        let expected = DeleteSettingsRequest { project: 53, names, all };
        assert_eq!(fake.asked::<DeleteSettingsRequest>(), expected);
    }
    let refused = Fake::default().post("/projects/53/settings/a", "NaN").await;
    let told = r#"{"error":"Bad Request","message":"a: must be JSON, which NaN is not"}"#;
    assert_eq!(refused.told(), (400, told));
}

#[tokio::test]
async fn the_time_needs_no_key() {
    let fake = Fake::default().answers(GetServerTimeResponse { now: 1_566 });
    let request = http::Request::get("/system/ts");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let reply = fake.send(request).await;
    assert_eq!(reply.status(), 200);
    let body = http_body_util::BodyExt::collect(reply.into_body()).await;
    assert_eq!(body.unwrap().to_bytes(), "1566");
}
