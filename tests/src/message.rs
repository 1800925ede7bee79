//! Parts of messages that many calls share.

use spiderq_proto::{
    Duration, RpcStatus, Timestamp, time,
    v1::{
        JobFilter, JobUpdate, NewJob, PushedJob, SpiderRef, UpdatedJob, job_update::Target,
        pushed_job, spider_ref::Spider, updated_job,
    },
};
use tonic::Code;
use tonic_types::RpcStatusExt as _;

/// The spider of a name.
#[must_use]
pub fn by_name(name: &str) -> SpiderRef {
    SpiderRef { spider: Some(Spider::Name(name.to_owned())) }
}

/// The spider of a number.
#[must_use]
pub fn by_number(id: i64) -> SpiderRef {
    SpiderRef { spider: Some(Spider::Id(id)) }
}

/// A new job of a spider, with nothing but defaults.
#[must_use]
pub fn job_of(spider: &str) -> NewJob {
    NewJob { spider: Some(by_name(spider)), ..NewJob::default() }
}

/// A filter of just these jobs.
#[must_use]
pub fn by_keys<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Option<JobFilter> {
    let keys = keys.into_iter().map(Into::into).collect();
    Some(JobFilter { keys, ..JobFilter::default() })
}

/// A span of `ms`, as messages hold it.
#[must_use]
pub fn span(ms: i64) -> Option<Duration> {
    Some(time::duration(ms))
}

/// Milliseconds since the epoch of a time that must be there.
#[must_use]
pub fn ms(at: Option<Timestamp>) -> i64 {
    time::timestamp_ms(&at.expect("a time"))
}

/// The key of a pushed job, or why there is none.
pub fn pushed_key(pushed: PushedJob) -> Result<String, RpcStatus> {
    match pushed.result.expect("a key or an error") {
        pushed_job::Result::Added(job) => Ok(job.key),
        pushed_job::Result::Error(error) => Err(error),
    }
}

/// An update of a job that changes nothing yet.
#[must_use]
pub fn update_of(key: impl Into<String>) -> JobUpdate {
    JobUpdate { target: Some(Target::Key(key.into())), ..JobUpdate::default() }
}

/// Why an update was refused.
#[must_use]
pub fn update_error(updated: &UpdatedJob) -> Option<RpcStatus> {
    match updated.result.as_ref().expect("a result") {
        updated_job::Result::Made(_) => None,
        updated_job::Result::Error(error) => Some(error.clone()),
    }
}

/// Code, reason and message of an item's error.
#[must_use]
pub fn item_error(error: &RpcStatus) -> (Code, String, String) {
    let reason = error.get_details_error_info().map(|info| info.reason);
    (Code::from_i32(error.code), reason.unwrap_or_default(), error.message.clone())
}

/// The paths of the fields that an item's error names.
#[must_use]
pub fn item_fields(error: &RpcStatus) -> Vec<String> {
    let violations = error.get_details_bad_request().map(|bad| bad.field_violations);
    violations.unwrap_or_default().into_iter().map(|violation| violation.field).collect()
}
