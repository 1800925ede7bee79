//! The environment variables that describe a job to its program: the contract between Scrapy Cloud
//! and `start-crawl`, which any other program may use too.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Write as _},
    path::Path,
};

use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use spiderq_proto::{
    Timestamp,
    time::timestamp_ms,
    v1::{Job, SpiderType},
};

use crate::{
    allowed_environment::AllowedEnvironment,
    job_fields::{elements, members, string},
    private_files::create_file,
};

/// Linux's limit on one variable, with its name, the `=` and the NUL at its end.
const MAX_VARIABLE_BYTES: usize = 128 << 10;

#[derive(Debug)]
pub(crate) struct JobEnvironment<'a> {
    pub(crate) job: &'a Job,
    /// Lets the program call the server, for this attempt of this job only.
    pub(crate) token: &'a str,
    /// URL of the server, without a slash at its end.
    pub(crate) server: &'a str,
    /// MB for each unit of the job.
    pub(crate) unit_memory: u32,
    /// Which variables the job may set; `None`: any.
    pub(crate) allowed: Option<&'a AllowedEnvironment>,
}

impl JobEnvironment<'_> {
    /// Where a name occurs twice, the last one holds. A value that is too long for a variable is
    /// written to a file in `folder`, and the variable is the path of that file.
    pub(crate) fn variables(
        &self,
        fifo: &Path,
        folder: &Path,
    ) -> io::Result<Vec<(OsString, OsString)>> {
        let units = u32::try_from(self.job.units).unwrap_or(1).max(1);
        let memory = self.unit_memory.saturating_mul(units);
        let texts = [
            ("SHUB_JOBKEY", self.job.key.clone()),
            ("SHUB_SPIDER", self.job.spider_name.clone()),
            ("SHUB_STORAGE", self.server.to_owned()),
            ("SHUB_JOB_ENV", "{}".to_owned()),
            ("SHUB_JOB_MEMORY_LIMIT", memory.to_string()),
        ];
        // The job's own come first, so that they can't replace those of the contract.
        let mut all = self.own_variables();
        all.extend(texts.map(|(name, value)| (name.into(), value.into())));
        all.push(("SHUB_FIFO_PATH".into(), fifo.into()));
        for (name, value) in [("SHUB_JOB_DATA", self.data()?), ("SHUB_SETTINGS", self.settings()?)]
        {
            all.push((name.into(), value_or_file(name, value, folder)?));
        }
        Ok(all)
    }

    /// An argument that is not a string is given as its JSON text.
    pub(crate) fn spider_args(&self) -> BTreeMap<String, String> {
        self.strings("spider_args")
    }

    /// The words of the arguments: those of a script's command, as the server has split them.
    pub(crate) fn cmd_args(&self) -> Vec<String> {
        if self.is_script() {
            return self.job_cmd().into_iter().skip(1).collect();
        }
        let Some(args) = self.raw("cmd_args") else {
            return Vec::new();
        };
        let split = |text: String| {
            shlex::split(&text)
                .unwrap_or_else(|| text.split_whitespace().map(str::to_owned).collect())
        };
        elements(args).or_else(|| string(args).map(split)).unwrap_or_default()
    }

    /// A script's command: its name and arguments.
    fn job_cmd(&self) -> Vec<String> {
        let words = self.raw("job_cmd").and_then(elements).filter(|words| !words.is_empty());
        words.unwrap_or_else(|| vec![self.job.spider_name.clone()])
    }

    fn is_script(&self) -> bool {
        self.job.spider_type() == SpiderType::Script
    }

    /// The field `environment` of the job, without what it may not set and what no system takes as
    /// a variable.
    fn own_variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables = self.strings("environment");
        if let Some(allowed) = self.allowed {
            let count = variables.len();
            variables.retain(|name, _| allowed.contains(name));
            let ignored = count - variables.len();
            if ignored > 0 {
                let job = &self.job.key;
                tracing::warn!(job, ignored, "ignored variables that --allow-env does not name");
            }
        }
        variables.retain(|name, value| {
            let valid = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
            if !valid {
                tracing::warn!(job = self.job.key, name, "ignored an invalid environment variable");
            }
            valid
        });
        variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn strings(&self, field: &str) -> BTreeMap<String, String> {
        self.raw(field).and_then(members).unwrap_or_default()
    }

    /// The text of a metadata field: numbers keep their digits.
    fn raw(&self, field: &str) -> Option<&RawValue> {
        serde_json::from_str(self.job.metadata_json.get(field)?).ok()
    }

    /// The text of a metadata field if it is an object, else `{}`.
    fn object(&self, field: &str) -> io::Result<&RawValue> {
        let object = self.raw(field).filter(|json| json.get().starts_with('{'));
        object.map_or_else(|| Ok(serde_json::from_str("{}")?), Ok)
    }

    fn data(&self) -> io::Result<String> {
        let job = self.job;
        let api_url = to_raw_value(&format!("{}/api/", self.server))?;
        let data = JobData {
            key: &job.key,
            auth: self.token,
            project: job.project,
            spider: &job.spider_name,
            spider_args: self.object("spider_args")?,
            tags: &job.tags,
            priority: job.priority,
            units: job.units,
            state: "running",
            pending_time: ms(job.pending_time.as_ref()),
            running_time: ms(job.running_time.as_ref()),
            scheduled_by: &job.scheduled_by,
            started_by: &job.started_by,
            spider_type: self.raw("spider_type"),
            version: self.raw("version"),
            deploy_id: self.raw("deploy_id"),
            api_url: self.raw("api_url").unwrap_or(&api_url),
            job_cmd: self.is_script().then(|| self.job_cmd()),
            job_env: self.is_script().then(|| json!({})),
        };
        Ok(serde_json::to_string(&data)?)
    }

    fn settings(&self) -> io::Result<String> {
        Ok(serde_json::to_string(&Settings {
            // Both of Scrapy's servers that run code for whoever reaches them are off, whatever the
            // project says. Under `start-crawl` the telnet console would listen on all interfaces:
            // a job that turns it on gets it for this machine only, as the other one.
            organization_settings: json!({
                "REMOTE_CONTROL_ENABLED": false,
                "TELNETCONSOLE_ENABLED": false,
                "TELNETCONSOLE_HOST": "127.0.0.1",
            }),
            project_settings: json!({}),
            spider_settings: json!({}),
            job_settings: self.object("job_settings")?,
            enabled_addons: json!([]),
        })?)
    }
}

/// `SHUB_JOB_DATA`.
#[derive(Serialize)]
struct JobData<'a> {
    key: &'a str,
    auth: &'a str,
    project: i64,
    spider: &'a str,
    spider_args: &'a RawValue,
    tags: &'a [String],
    priority: i32,
    units: i32,
    state: &'static str,
    pending_time: i64,
    running_time: i64,
    scheduled_by: &'a str,
    started_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    spider_type: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deploy_id: Option<&'a RawValue>,
    api_url: &'a RawValue,
    /// Tells `start-crawl` to run a script instead of a spider.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_env: Option<Value>,
}

/// `SHUB_SETTINGS`. Each group of settings takes precedence over those before it.
#[derive(Serialize)]
struct Settings<'a> {
    organization_settings: Value,
    project_settings: Value,
    spider_settings: Value,
    job_settings: &'a RawValue,
    enabled_addons: Value,
}

/// 0 for a time that was not reached.
fn ms(time: Option<&Timestamp>) -> i64 {
    time.map_or(0, timestamp_ms)
}

/// `start-crawl` reads a variable whose value is the path of a file from that file.
fn value_or_file(name: &str, value: String, folder: &Path) -> io::Result<OsString> {
    if name.len() + value.len() + 2 <= MAX_VARIABLE_BYTES {
        return Ok(value.into());
    }
    let path = folder.join(format!("{name}.json"));
    create_file(&path)?.write_all(value.as_bytes())?;
    Ok(path.into())
}

#[cfg(test)]
mod tests;
