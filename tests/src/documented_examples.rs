//! Runs the examples of the original documents, which are data
//! (`tests/data/documented_examples/*.json`): steps that bring a fresh stack to where the example
//! begins, its request, and the response that it shows.

use std::collections::BTreeMap;

use http::{Method, header};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use spiderq_proto::v1::Role;

use crate::{Http, Response, Stack, StoreKind, millis};

/// One example of a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Which example: document, section, what it does.
    pub example: String,
    /// How the response differs from the document's, and why.
    #[serde(default)]
    pub differs: Option<String>,
    steps: Vec<Step>,
}

/// One step: the clock first, then whichever of the others is given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Step {
    /// Moves the clock: `2015-11-09T15:21:06.123` or ms since the epoch.
    at: Option<Value>,
    /// Calls as the owner of an API key of this name from now on; makes the key.
    owner: Option<String>,
    /// Adds jobs that are already deleted, so that numbers come out as in the document.
    filler: Option<Filler>,
    /// `METHOD PATH`.
    request: Option<String>,
    /// Its body as JSON lines, sent as they are written in the file.
    lines: Vec<Box<RawValue>>,
    /// Its body as curl's `-d` arguments, sent as curl does.
    form: Vec<String>,
    /// The answer as one JSON value.
    answer: Option<Value>,
    /// Parts of the answer by JSON pointer.
    part: BTreeMap<String, Value>,
    /// The answer as JSON lines; each may have more fields.
    rows: Option<Vec<serde_json::Map<String, Value>>>,
    /// The answer as an object whose values are these bytes.
    raw: Option<BTreeMap<String, Box<RawValue>>>,
    /// The answer as text.
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filler {
    project: u64,
    /// One job of each of this many spiders that no document names …
    #[serde(default)]
    spiders: u64,
    /// … or this many jobs of `spider`.
    #[serde(default)]
    jobs: u64,
    #[serde(default)]
    spider: String,
    /// Their state; deleted if not given.
    state: Option<String>,
}

/// Runs an example on a fresh stack. Panics if a response differs from the document's.
pub async fn run_example(example: &Example, kind: StoreKind) {
    let stack = Stack::at(kind, 1_000).await;
    let mut caller = Caller(stack.http());
    for (number, step) in example.steps.iter().enumerate() {
        let place = format!("{kind:?}, {}, step {number}", example.example);
        if let Some(at) = &step.at {
            stack.set_time(at.as_u64().unwrap_or_else(|| millis(at.as_str().unwrap())));
        }
        if let Some(name) = &step.owner {
            let key = stack.create_key(name, Role::User, &[]).await;
            caller = Caller(caller.0.basic(&key, ""));
        }
        if let Some(filler) = &step.filler {
            caller.fill(filler).await;
        }
        if let Some(request) = &step.request {
            let answer = caller.call(request, step).await;
            check(step, &answer, &place);
        }
    }
}

/// The caller of the steps that follow.
struct Caller(Http);

impl Caller {
    async fn call(&self, request: &str, step: &Step) -> Response {
        let (method, path) = request.split_once(' ').expect("METHOD PATH");
        let method: Method = method.parse().unwrap();
        if step.form.is_empty() {
            let lines: Vec<&str> = step.lines.iter().map(|line| line.get()).collect();
            return self.0.send(method, path, &[], lines.join("\n")).await;
        }
        let content_type = (header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded");
        let form = step.form.join("&");
        self.0.send(method, path, &[content_type], form).await
    }

    async fn fill(&self, filler: &Filler) {
        let state = filler.state.as_deref().unwrap_or("deleted");
        let spiders = (1..=filler.spiders).map(|number| format!("filler{number}"));
        let same = (0..filler.jobs).map(|_| filler.spider.clone());
        let lines: Vec<String> = spiders
            .chain(same)
            .map(|spider| serde_json::json!({"spider": spider, "state": state}).to_string())
            .collect();
        let path = format!("/jobq/{}/push", filler.project);
        for batch in lines.chunks(1000) {
            let answer = self.0.post(&path, batch.join("\n")).await.ok();
            assert_eq!(answer.lines().len(), batch.len());
        }
    }
}

/// Compares a response with what the step shows of it.
fn check(step: &Step, answer: &Response, place: &str) {
    assert_eq!(answer.status, 200, "{place}: {answer}");
    assert!(!answer.text().contains("\"error\":"), "{place}: {answer}");
    if let Some(expected) = &step.answer {
        assert_eq!(&answer.json(), expected, "{place}");
    }
    for (pointer, expected) in &step.part {
        assert_eq!(answer.json().pointer(pointer), Some(expected), "{place}, {pointer}");
    }
    if let Some(expected) = &step.rows {
        let shown = |(row, fields): (Value, &serde_json::Map<String, Value>)| {
            let named = fields.keys().map(|name| (name.clone(), row[name.as_str()].clone()));
            named.collect::<serde_json::Map<_, _>>()
        };
        let rows = answer.lines();
        assert_eq!(rows.len(), expected.len(), "{place}: {answer}");
        let rows: Vec<_> = rows.into_iter().zip(expected).map(shown).collect();
        assert_eq!(&rows, expected, "{place}");
    }
    if let Some(expected) = &step.raw {
        let actual: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&answer.body).unwrap();
        let text = |fields: &BTreeMap<String, Box<RawValue>>| -> BTreeMap<String, String> {
            let pairs = fields.iter();
            pairs.map(|(name, value)| (name.clone(), value.get().to_owned())).collect()
        };
        assert_eq!(text(&actual), text(expected), "{place}");
    }
    if let Some(expected) = &step.text {
        assert_eq!(answer.text().trim_end(), expected, "{place}");
    }
}
