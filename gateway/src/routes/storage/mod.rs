//! The storage family's queue: JSON lines in and out.

mod batches;
mod cancel;
mod count;
mod heartbeat;
mod jobsummary;
mod lastjobsummary;
mod list;
mod push;
mod refused_line;
mod startjob;
mod summary;
mod update;

pub(super) use cancel::{cancel, cancel_one};
pub(super) use count::count;
pub(super) use heartbeat::heartbeat;
pub(super) use jobsummary::jobsummary;
pub(super) use lastjobsummary::lastjobsummary;
pub(super) use list::list;
pub(super) use push::push;
pub(super) use startjob::startjob;
pub(super) use summary::summary;
pub(super) use update::update;

use spiderq_core::limits::{MAX_LEASE_MS, MIN_LEASE_MS};
use spiderq_proto::{
    Duration,
    time::duration,
    v1::{JobFilter, JobState},
};

use self::refused_line::refused_line;
use super::StorageResult;
use crate::{accepted_values, call::Call, errors::Problem};

/// The filter of `count` and `list`: finished jobs, where neither states nor keys are given.
fn job_filter(call: &Call) -> Result<JobFilter, Problem> {
    let mut filter = call.params.job_filter("key")?;
    if filter.states.is_empty() && filter.keys.is_empty() {
        filter.states.push(JobState::Finished.into());
    }
    Ok(filter)
}

/// A lease, from the parameter `lease` in seconds.
fn lease(seconds: Option<u64>) -> Result<Option<Duration>, Problem> {
    let refused = || Problem::invalid("lease", &*accepted_values::LEASE);
    let in_range = |ms: &u64| (MIN_LEASE_MS..=MAX_LEASE_MS).contains(ms);
    let ms = seconds.map(|seconds| seconds.checked_mul(1_000).filter(in_range));
    let ms = ms.map(|ms| ms.and_then(|ms| i64::try_from(ms).ok()).ok_or_else(refused));
    Ok(ms.transpose()?.map(duration))
}
