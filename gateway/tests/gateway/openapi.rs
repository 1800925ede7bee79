//! The description of the paths, held against the table of routes itself.

use std::{collections::BTreeSet, fs, path::Path};

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::fake::Fake;

/// Described here, but served in front of the gateway.
const OUTSIDE_THE_GATEWAY: [&str; 2] = ["get /healthz", "get /readyz"];

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// `get /jobq/{project}/count` and so on, read from the source, as axum's router cannot list its
/// routes.
fn routes() -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routes/mod.rs");
    let source = fs::read_to_string(file).unwrap();
    let mut routes = BTreeSet::new();
    for route in source.split(".route(\"").skip(1) {
        let (path, handlers) = route.split_once('"').unwrap();
        let path = path.replace("{*", "{");
        for method in METHODS {
            let calls = [format!(" {method}("), format!(".{method}(")];
            if calls.iter().any(|call| handlers.contains(call)) {
                routes.insert(format!("{method} {path}"));
            }
        }
    }
    routes
}

fn described(description: &Value) -> BTreeSet<String> {
    let mut described = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let methods = METHODS.iter().filter(|method| item.get(**method).is_some());
        described.extend(methods.map(|method| format!("{method} {path}")));
    }
    described
}

/// Fetched without an API key.
async fn description() -> Value {
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let reply = Fake::default().send(request).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["content-type"], "application/json");
    let body = reply.into_body().collect().await.unwrap();
    serde_json::from_slice(&body.to_bytes()).unwrap()
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else() {
    let description = description().await;
    let (routes, described) = (routes(), described(&description));
    let missing: Vec<_> = routes.difference(&described).collect();
    let more: Vec<_> = described.difference(&routes).collect();
    assert!(missing.is_empty(), "not described: {missing:#?}");
    assert_eq!(more, OUTSIDE_THE_GATEWAY);
    let version = &description["info"]["version"];
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn every_operation_says_how_it_is_refused() {
    let description = description().await;
    let mut wrong = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let open = operation.get("security").is_some();
            if !METHODS.contains(&method.as_str()) || open {
                continue;
            }
            let family = if path.starts_with("/api/") { "Dash" } else { "" };
            let reference = &operation["responses"]["401"]["$ref"];
            if *reference != format!("#/components/responses/{family}Unauthorized") {
                wrong.push(format!("{method} {path}: 401 is {reference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
