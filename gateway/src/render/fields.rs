//! A job's fields by name, whether the service answers them typed or as metadata.

use std::borrow::Cow;

use spiderq_proto::v1::{Job, JobState};

use super::{string, strings};

/// Names of the typed fields, in alphabetical order.
pub(super) const TYPED: [&str; 14] = [
    "completed_by",
    "deleted_by",
    "deleted_time",
    "finished_time",
    "pending_time",
    "priority",
    "project",
    "running_time",
    "scheduled_by",
    "spider",
    "started_by",
    "state",
    "tags",
    "units",
];

/// JSON text of a field; `None` where the job has none of that name.
pub(super) fn field<'a>(job: &'a Job, name: &str) -> Option<Cow<'a, str>> {
    if TYPED.contains(&name) {
        return typed(job, name).map(Cow::Owned);
    }
    job.metadata.get(name).map(|json| Cow::Borrowed(json.as_str()))
}

fn typed(job: &Job, name: &str) -> Option<String> {
    match name {
        "completed_by" => by(&job.completed_by),
        "deleted_by" => by(&job.deleted_by),
        "deleted_time" => time(job.deleted_time),
        "finished_time" => time(job.finished_time),
        "pending_time" => time(job.pending_time),
        "priority" => Some(job.priority.to_string()),
        "project" => job.key.split('/').next().map(str::to_owned),
        "running_time" => time(job.running_time),
        "scheduled_by" => by(&job.scheduled_by),
        "spider" => Some(string(&job.spider)),
        "started_by" => by(&job.started_by),
        "state" => Some(string(state_name(job.state()))),
        "tags" => Some(tags(job)),
        "units" => Some(job.units.to_string()),
        _ => None,
    }
}

/// 0 means not set.
pub(super) fn time(millis: i64) -> Option<String> {
    (millis != 0).then(|| millis.to_string())
}

fn by(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| string(name))
}

pub(super) fn tags(job: &Job) -> String {
    strings(&job.tags)
}

/// A state as clients name it.
pub(super) fn state_name(state: JobState) -> &'static str {
    match state {
        JobState::Unspecified => "unknown",
        JobState::Pending => "pending",
        JobState::Running => "running",
        JobState::Finished => "finished",
        JobState::Deleted => "deleted",
    }
}
