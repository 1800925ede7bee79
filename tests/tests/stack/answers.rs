//! Requests of real clients and their whole answers, byte for byte, on both stores; they are data
//! (`tests/data/answers.json`, and of what jobs put out `tests/data/output.json`).

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use spiderq_tests::{Http, Response, Stack};

use crate::{
    helpers::{NOW, send},
    on_each_store,
};

/// Steps on a fresh stack, whose clock stands still.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    scenario: String,
    steps: Vec<Step>,
}

/// A request, and its answer in one of five forms, where `{url}` stands for the server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// `METHOD PATH`.
    request: String,
    /// Calls with the token of this running job, not with the admin's key.
    token: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as `NAME=VALUE` pairs of a form, encoded already …
    #[serde(default)]
    form: Vec<String>,
    /// … or as it is.
    #[serde(default)]
    body: String,
    #[serde(default = "ok")]
    status: u16,
    /// One JSON value, as the file writes it.
    #[serde(default, deserialize_with = "even_null")]
    json: Option<Box<RawValue>>,
    /// A JSON array of these.
    array: Option<Vec<Box<RawValue>>>,
    /// JSON lines of these.
    lines: Option<Vec<Box<RawValue>>>,
    /// Another media type and body.
    text: Option<(String, String)>,
    /// Nothing, and of no media type.
    #[serde(default)]
    empty: bool,
}

const fn ok() -> u16 {
    200
}

fn even_null<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Deserialize::deserialize(json).map(Some)
}

impl Step {
    async fn send(&self, admin: &Http) -> Response {
        let form = self.form.join("&");
        let Some(job) = &self.token else {
            return send(admin, &self.request, &self.headers, &form, &self.body).await;
        };
        let token = admin.get(&format!("/jobs/{job}/auth")).await.ok().json();
        let bearer = admin.basic(job, token.as_str().unwrap());
        send(&bearer, &self.request, &self.headers, &form, &self.body).await
    }

    /// Media type and body.
    fn answer(&self) -> (&str, String) {
        if let Some((media_type, body)) = &self.text {
            return (media_type, body.clone());
        }
        let texts = |values: &[Box<RawValue>]| -> Vec<String> {
            values.iter().map(|value| value.get().to_owned()).collect()
        };
        match (&self.json, &self.array, &self.lines) {
            (Some(json), None, None) => ("application/json", json.get().to_owned()),
            (None, Some(rows), None) => {
                ("application/json", format!("[{}]", texts(rows).join(",")))
            }
            (None, None, Some(rows)) => {
                let lines = texts(rows).into_iter().map(|row| row + "\n");
                ("application/x-jsonlines", lines.collect())
            }
            (None, None, None) if self.empty => ("", String::new()),
            _ => panic!("{}: one form of answer", self.request),
        }
    }
}

#[tokio::test]
async fn requests_of_real_clients_get_their_whole_answers() {
    all_answers("answers.json").await;
}

#[tokio::test]
async fn requests_for_output_get_their_whole_answers() {
    all_answers("output.json").await;
}

async fn all_answers(file: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file);
    let scenarios: Vec<Scenario> =
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    on_each_store(async |kind| {
        for Scenario { scenario, steps } in &scenarios {
            let stack = Stack::at(kind, NOW).await;
            let http = stack.http();
            for (number, step) in steps.iter().enumerate() {
                let answer = step.send(&http).await;
                let found = (answer.status, answer.header("content-type"), answer.text());
                let (media_type, body) = step.answer();
                let body = body.replace("{url}", &stack.url);
                let expected = (step.status, media_type, body);
                assert_eq!(found, expected, "{scenario}, step {number}: {}", step.request);
            }
        }
    })
    .await;
}
