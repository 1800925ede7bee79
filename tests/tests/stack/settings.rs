//! Project settings: values byte for byte, names of any text, and values that are refused.

use http::Method;
use serde_json::{Value, json};
use spiderq_proto::{
    FieldMask,
    v1::{GetProjectSettingsRequest, UpdateProjectSettingsRequest},
};
use spiderq_tests::{Grpc, Http, Stack};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    helpers::{NOW, texts},
    hostile_texts::{accepted, hostile_texts, in_path},
    on_each_store,
};

#[tokio::test]
async fn settings_come_back_byte_for_byte() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let http = stack.http();
        let body = r#"{"a":1566311822568.0,"b/c":{"z":[ ],"a":"\u00e9"}}"#;
        assert_eq!(http.post("/projects/7/settings", body).await.ok().text(), "");
        let field = http.post("/projects/7/settings/n", "18446744073709551616").await;
        assert_eq!(field.ok().text(), "");
        let whole = http.get("/projects/7/settings").await.ok();
        let expected =
            r#"{"a":1566311822568.0,"b/c":{"z":[ ],"a":"\u00e9"},"n":18446744073709551616}"#;
        assert_eq!(whole.text(), expected);
        assert_eq!(whole.header("content-type"), "application/json");
        let one = http.get("/projects/7/settings/b/c").await.ok();
        assert_eq!(one.text(), r#"{"z":[ ],"a":"\u00e9"}"#);
        let delete = async |path| http.send(Method::DELETE, path, &[], "").await.ok().text();
        assert_eq!(delete("/projects/7/settings/a").await, "");
        assert_eq!(delete("/projects/7/settings/nothing").await, "");
        assert_eq!(http.get("/projects/7/settings/a").await.ok().text(), "null");
        assert_eq!(delete("/projects/7/settings").await, "");
        assert_eq!(http.get("/projects/7/settings").await.ok().text(), "{}");
        let big = format!("\"{}\"", "x".repeat(1 << 20));
        let refused = http.post("/projects/7/settings/big", big).await;
        let message = "settings: must be at most 1 MiB";
        let expected = json!({"error": "Payload Too Large", "message": message});
        assert_eq!((refused.status, refused.json()), (413, expected));
    })
    .await;
}

#[tokio::test]
async fn settings_with_difficult_names_stay_distinct() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        // `spiders` is a setting of the service, which takes no number.
        let is_free = |text: &String| accepted(text, 128) && text != "spiders";
        let (good, bad): (Vec<String>, Vec<String>) =
            hostile_texts().into_iter().partition(is_free);
        for name in &bad {
            let refused = http.post("/projects/1/settings", json!({name: 1}).to_string()).await;
            assert_eq!(refused.status, 400, "{name:.50?}");
        }
        for (n, name) in good.iter().enumerate() {
            for project in [1, 2] {
                let path = format!("/projects/{project}/settings/{}", in_path(name));
                http.post(&path, json!([project, n]).to_string()).await.ok();
            }
        }
        for project in [1, 2] {
            let settings = format!("/projects/{project}/settings");
            let all: serde_json::Map<String, Value> = good
                .iter()
                .enumerate()
                .map(|(n, name)| (name.clone(), json!([project, n])))
                .collect();
            assert_eq!(http.get(&settings).await.ok().json(), Value::from(all.clone()));
            for (name, value) in &all {
                let path = format!("{settings}/{}", in_path(name));
                assert_eq!(http.get(&path).await.ok().json(), *value, "{name:?}");
            }
        }
        for name in &good {
            let path = format!("/projects/1/settings/{}", in_path(name));
            http.send(Method::DELETE, &path, &[], "").await.ok();
            assert_eq!(http.get(&path).await.ok().json(), Value::Null, "{name:?}");
        }
        assert_eq!(http.get("/projects/1/settings").await.ok().json(), json!({}));
        let other = http.get("/projects/2/settings").await.ok().json();
        assert_eq!(other.as_object().unwrap().len(), good.len());
    })
    .await;
}

async fn set(http: &Http, settings: &str) {
    http.post("/projects/7/settings", settings.to_owned()).await.ok();
}

#[tokio::test]
async fn an_invalid_setting_is_refused_with_all_others_of_its_call() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        set(&http, r#"{"max_running":3,"on_lost":"finish"}"#).await;
        let before = http.get("/projects/7/settings").await.ok().json();
        let told = "max_attempts: must be a whole number from 1 to 1000, or null";
        let request = UpdateProjectSettingsRequest {
            project: 7,
            settings_json: texts([("a", "1"), ("max_attempts", "0"), ("max_running", "1")]),
            ..Default::default()
        };
        let refused = grpc.projects().update_project_settings(request).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, told));
        let violation = refused.get_details_bad_request().unwrap().field_violations.remove(0);
        assert_eq!(violation.field, r#"settings_json["max_attempts"]"#);
        let refused = json!({"error": "Bad Request", "message": told});
        let answer = http.post("/projects/7/settings", r#"{"b":1,"max_attempts":1.0}"#).await;
        assert_eq!((answer.status, answer.json()), (400, refused.clone()));
        let answer = http.post("/projects/7/settings/max_attempts", "\"3\"").await;
        assert_eq!((answer.status, answer.json()), (400, refused));
        assert_eq!(http.get("/projects/7/settings").await.ok().json(), before);
        http.post("/projects/7/settings/max_attempts", "1000").await.ok();
        http.post("/projects/7/settings/max_attempts", "null").await.ok();
    })
    .await;
}

/// Changes settings of project 7, and answers all that there are then.
async fn update(
    grpc: &Grpc,
    settings: &[(&str, &str)],
    mask: Option<&str>,
    remove: &[&str],
) -> std::collections::BTreeMap<String, String> {
    let owned = |text: &str| text.to_owned();
    let request = UpdateProjectSettingsRequest {
        project: 7,
        settings_json: settings.iter().map(|(name, json)| (owned(name), owned(json))).collect(),
        update_mask: mask.map(|path| FieldMask { paths: vec![owned(path)] }),
        remove_settings: remove.iter().map(|name| owned(name)).collect(),
    };
    let mut projects = grpc.projects();
    projects.update_project_settings(request).await.unwrap();
    let request = GetProjectSettingsRequest { project: 7 };
    projects.get_project_settings(request).await.unwrap().into_inner().settings_json
}

#[tokio::test]
async fn settings_are_merged_removed_or_replaced() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = &stack.grpc();
        let all = update(grpc, &[("a", "1"), ("b.c", "[ 2 ]"), ("*", "7")], None, &[]).await;
        assert_eq!(all, texts([("*", "7"), ("a", "1"), ("b.c", "[ 2 ]")]));
        let all = update(grpc, &[("d", "3")], None, &["*", "none"]).await;
        assert_eq!(all, texts([("a", "1"), ("b.c", "[ 2 ]"), ("d", "3")]));
        assert_eq!(update(grpc, &[], None, &["b.c", "a"]).await, texts([("d", "3")]));
        assert_eq!(update(grpc, &[], None, &[]).await, texts([("d", "3")]));
        let all = update(grpc, &[("e", "5"), ("a", "6")], Some("settings_json"), &[]).await;
        assert_eq!(all, texts([("a", "6"), ("e", "5")]));
        assert_eq!(update(grpc, &[("f", "8")], Some("*"), &[]).await, texts([("f", "8")]));
        assert_eq!(update(grpc, &[], Some("*"), &[]).await, texts([]));
    })
    .await;
}
