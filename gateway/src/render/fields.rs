//! A job's fields by name, whether the message has them typed or as metadata.

use std::borrow::Cow;

use spiderq_proto::{
    Timestamp,
    time::timestamp_ms,
    v1::{Job, JobState, Role, SpiderType},
};

use super::{string, strings};

/// Writes a typed field as JSON; `None` where the job does not have it.
type Render = fn(&Job) -> Option<String>;

/// The typed fields, in alphabetical order.
pub(super) const TYPED: [(&str, Render); 14] = [
    ("completed_by", |job| actor(&job.completed_by)),
    ("deleted_by", |job| actor(&job.deleted_by)),
    ("deleted_time", |job| time(job.deleted_time.as_ref())),
    ("finished_time", |job| time(job.finished_time.as_ref())),
    ("pending_time", |job| time(job.pending_time.as_ref())),
    ("priority", |job| Some(job.priority.to_string())),
    ("project", |job| Some(job.project.to_string())),
    ("running_time", |job| time(job.running_time.as_ref())),
    ("scheduled_by", |job| actor(&job.scheduled_by)),
    ("spider", |job| Some(string(&job.spider_name))),
    ("started_by", |job| actor(&job.started_by)),
    ("state", |job| Some(string(state_name(job.state())))),
    ("tags", |job| Some(tags(job))),
    ("units", |job| Some(job.units.to_string())),
];

/// JSON text of a field; `None` where the job has none of that name. A typed field goes before
/// metadata of the same name. `close_reason` and others, which the message also has as plain text,
/// are metadata here, as only their text there is exact.
pub(super) fn field<'a>(job: &'a Job, name: &str) -> Option<Cow<'a, str>> {
    match TYPED.iter().find(|(typed, _)| *typed == name) {
        Some((_, render)) => render(job).map(Cow::Owned),
        None => job.metadata_json.get(name).map(|json| Cow::Borrowed(json.as_str())),
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn time(time: Option<&Timestamp>) -> Option<String> {
    time.map(|time| timestamp_ms(time).to_string())
}

fn actor(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| string(name))
}

pub(super) fn tags(job: &Job) -> String {
    strings(&job.tags)
}

/// A type of spider as clients name it.
pub(crate) fn spider_type_name(spider_type: SpiderType) -> &'static str {
    match spider_type {
        SpiderType::Unspecified => "unknown",
        SpiderType::Manual => "manual",
        SpiderType::Script => "script",
    }
}

/// A state as clients name it.
pub(crate) fn state_name(state: JobState) -> &'static str {
    match state {
        JobState::Unspecified => "unknown",
        JobState::Pending => "pending",
        JobState::Running => "running",
        JobState::Finished => "finished",
        JobState::Deleted => "deleted",
    }
}

/// `admin` and so on.
pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "unknown",
        Role::Read => "read",
        Role::Worker => "worker",
        Role::User => "user",
        Role::Admin => "admin",
    }
}
