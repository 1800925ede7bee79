//! What a job's program is told of the job: the variables of the contract between Scrapy
//! Cloud and `start-crawl`, which are as good for any other program.

use std::{collections::BTreeMap, ffi::OsString, fs, io, path::Path};

use serde_json::{Value, value::RawValue};
use spiderq_proto::v1::Job;

/// Longest variable that a system takes, with its name, `=` and an end, bytes.
const MOST_BYTES: usize = 128 << 10;
/// Scrapy's telnet console listens on all interfaces under `start-crawl`: off, and where a
/// job's own settings turn it on, for this machine only.
const ORGANIZATION: &str = r#"{"TELNETCONSOLE_ENABLED":false,"TELNETCONSOLE_HOST":"127.0.0.1"}"#;

/// A job as its program sees it.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) job: &'a Job,
    /// Good for this attempt of this job.
    pub(crate) token: &'a str,
    /// Of the server, without a slash at its end.
    pub(crate) server: &'a str,
    /// MB for each unit.
    pub(crate) unit_memory: u32,
}

impl View<'_> {
    /// The variables. What is too long for one goes into a file of `folder`.
    pub(crate) fn variables(
        &self,
        pipe: &Path,
        folder: &Path,
    ) -> io::Result<Vec<(OsString, OsString)>> {
        // The job's own first: they can't replace those of the contract.
        let own = self.environment().into_iter().filter(|(name, value)| {
            let good = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
            if !good {
                tracing::warn!(job = self.job.key, name, "not a variable of environment");
            }
            good
        });
        let own = own.map(|(name, value)| (name.into(), value.into()));
        let memory = self.unit_memory.saturating_mul(self.job.units.max(1));
        let mut all: Vec<(OsString, OsString)> = own.collect();
        let texts = [
            ("SHUB_JOBKEY", self.job.key.clone()),
            ("SHUB_SPIDER", self.job.spider.clone()),
            ("SHUB_STORAGE", self.server.to_owned()),
            ("SHUB_JOB_ENV", "{}".to_owned()),
            ("SHUB_JOB_MEMORY_LIMIT", memory.to_string()),
        ];
        all.extend(texts.map(|(name, value)| (name.into(), value.into())));
        all.push(("SHUB_FIFO_PATH".into(), pipe.into()));
        let json = [("SHUB_JOB_DATA", self.data()), ("SHUB_SETTINGS", self.settings())];
        for (name, value) in json {
            all.push((name.into(), short(name, value, folder)?));
        }
        Ok(all)
    }

    /// Arguments of the spider. One that is no string is its JSON.
    pub(crate) fn spider_args(&self) -> BTreeMap<String, String> {
        self.strings("spider_args")
    }

    /// Arguments of a script, as a shell would split them.
    pub(crate) fn cmd_args(&self) -> Vec<String> {
        let Some(text) = self.raw("cmd_args") else {
            return Vec::new();
        };
        match serde_json::from_str(text) {
            Ok(Value::String(text)) => shlex::split(&text)
                .unwrap_or_else(|| text.split_whitespace().map(str::to_owned).collect()),
            Ok(Value::Array(words)) => words.into_iter().map(text_of).collect(),
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | Err(_) => {
                Vec::new()
            }
        }
    }

    fn environment(&self) -> BTreeMap<String, String> {
        self.strings("environment")
    }

    fn strings(&self, field: &str) -> BTreeMap<String, String> {
        let object = self.raw(field).and_then(|text| serde_json::from_str(text).ok());
        let object: BTreeMap<String, Value> = object.unwrap_or_default();
        let pairs = object.into_iter();
        pairs.map(|(name, value)| (name, text_of(value))).collect()
    }

    fn raw(&self, field: &str) -> Option<&str> {
        self.job.metadata.get(field).map(String::as_str)
    }

    /// The field where it is an object.
    fn object(&self, field: &str) -> Option<&str> {
        let text = self.raw(field)?;
        let object: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(text);
        object.is_ok().then_some(text)
    }

    fn data(&self) -> String {
        let job = self.job;
        let project = job.key.split('/').next().unwrap_or_default();
        let state = "running".to_owned();
        let mut data = Object::default();
        data.text("key", &job.key);
        data.text("auth", self.token);
        data.json("project", project);
        data.text("spider", &job.spider);
        data.json("spider_args", self.object("spider_args").unwrap_or("{}"));
        data.json("tags", &Value::from(job.tags.clone()).to_string());
        data.json("priority", &job.priority.to_string());
        data.json("units", &job.units.to_string());
        data.text("state", &state);
        data.json("pending_time", &job.pending_time.to_string());
        data.json("running_time", &job.running_time.to_string());
        data.text("scheduled_by", &job.scheduled_by);
        data.text("started_by", &job.started_by);
        for field in ["spider_type", "version", "deploy_id"] {
            if let Some(json) = self.raw(field) {
                data.json(field, json);
            }
        }
        match self.raw("api_url") {
            Some(json) => data.json("api_url", json),
            None => data.text("api_url", &format!("{}/api/", self.server)),
        }
        if job.spider.starts_with("py:") {
            let words = [vec![job.spider.clone()], self.cmd_args()].concat();
            data.json("job_cmd", &Value::from(words).to_string());
            data.json("job_env", "{}");
        }
        data.end()
    }

    fn settings(&self) -> String {
        let mut settings = Object::default();
        settings.json("organization_settings", ORGANIZATION);
        settings.json("project_settings", "{}");
        settings.json("spider_settings", "{}");
        settings.json("job_settings", self.object("job_settings").unwrap_or("{}"));
        settings.json("enabled_addons", "[]");
        settings.end()
    }
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// `value`, or the path of a file with it where it is too long for a variable.
fn short(name: &str, value: String, folder: &Path) -> io::Result<OsString> {
    if name.len() + value.len() + 2 <= MOST_BYTES {
        return Ok(value.into());
    }
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, value)?;
    Ok(path.into())
}

/// A JSON object in the making. Values go in as they were written.
#[derive(Debug, Default)]
struct Object(String);

impl Object {
    fn json(&mut self, name: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(json);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.json(name, &Value::from(text).to_string());
    }

    fn end(self) -> String {
        self.0 + "}"
    }
}

#[cfg(test)]
mod tests;
