//! Bad input over HTTP: each request is refused with the name of its parameter, and changes
//! nothing.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;
use spiderq_tests::{Http, Response, Stack};

use crate::{helpers::send, on_each_store};

/// A request and its refusal. `<x*3>` in a text stands for `xxx`; see [`filled`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// `METHOD PATH`.
    request: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as `NAME=VALUE` pairs of a form, encoded already …
    #[serde(default)]
    form: Vec<String>,
    /// … or as it is.
    #[serde(default)]
    body: String,
    status: u16,
    /// The answer; of a push, without the `request` that it repeats.
    answer: Value,
}

impl Case {
    fn name(&self) -> String {
        format!("{} {:?} {:?}", self.request, self.form, self.body)
    }

    async fn send(&self, http: &Http) -> Response {
        let form = filled(&self.form.join("&"));
        let request = filled(&self.request);
        send(http, &request, &self.headers, &form, &filled(&self.body)).await
    }
}

/// `text` with its abbreviations spelled out: `<x*3>` is `xxx`, and `<t=#*2>` is `t=1&t=2`.
fn filled(text: &str) -> String {
    let mut parts = text.split('<');
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let (short, rest) = part.split_once('>').unwrap();
        let (what, times) = short.split_once('*').unwrap();
        let numbers = 1..=times.parse::<usize>().unwrap();
        let texts: Vec<String> =
            numbers.map(|number| what.replace('#', &number.to_string())).collect();
        whole.push_str(&texts.join(if what.contains('#') { "&" } else { "" }));
        whole.push_str(rest);
    }
    whole
}

#[test]
fn abbreviations_are_spelled_out() {
    assert_eq!(filled(r#"{"a":"<x*3>"}"#), r#"{"a":"xxx"}"#);
    assert_eq!(filled("<t=#*2>"), "t=1&t=2");
}

/// Everything that a refused request could have changed.
async fn everything(http: &Http) -> Vec<String> {
    let mut seen = Vec::new();
    for path in [
        "/jobq/1/list?state=pending&state=running&state=finished&state=deleted",
        "/jobs/1/1/1",
        "/jobs/1/1/2",
        "/jobs/1/1/3",
        "/jobs/1/1/4",
        "/projects/1/settings",
        "/api/spiders/list.json?project=1",
        "/projects/1/jobsummary",
    ] {
        seen.push(http.get(path).await.ok().text());
    }
    seen
}

#[tokio::test]
async fn bad_input_is_refused_by_the_name_of_its_parameter_and_changes_nothing() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/refused.json");
    let cases: Vec<Case> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    on_each_store(async |kind| {
        let stack = Stack::at(kind, 1_566_311_800_654).await;
        let http = stack.http();
        let states = ["pending", "running", "finished", "deleted"];
        let jobs = states.map(|state| format!(r#"{{"spider":"s","state":"{state}"}}"#));
        http.post("/jobq/1/push", jobs.join("\n")).await.ok();
        let before = everything(&http).await;
        for case in &cases {
            let answer = case.send(&http).await;
            assert_eq!(answer.status, case.status, "{}: {answer}", case.name());
            let mut told = answer.json();
            if let Some(fields) = told.as_object_mut() {
                fields.remove("request");
            }
            assert_eq!(told, case.answer, "{}", case.name());
            assert_eq!(everything(&http).await, before, "{}", case.name());
        }
    })
    .await;
}
