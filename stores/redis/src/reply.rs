//! What Redis names jobs, states and limits by, back as types: members and numbers.

use super::errors::bad_reply;
use spiderq_core::{
    error::Result,
    model::{JobId, JobKey, ProjectId, SpiderId, State},
    store::RunningLimit,
};

/// A job's key from a member of a sorted set.
pub(super) fn job_key(project: ProjectId, member: &str) -> Result<JobKey> {
    let (spider, job) = member.split_once('/').ok_or_else(|| bad_reply(member))?;
    Ok(JobKey {
        project,
        spider: SpiderId::parse(spider).map_err(bad_reply)?,
        job: JobId::parse(job).map_err(bad_reply)?,
    })
}

/// A limit by the number that scripts give it.
pub(super) fn limit_at(index: usize) -> Result<RunningLimit> {
    let limit = RunningLimit::ALL.get(index).copied();
    limit.ok_or_else(|| bad_reply("an unknown outcome"))
}

/// A state by its [`State::index`].
pub(super) fn state_at(index: usize) -> Result<State> {
    let state = State::ALL.get(index).copied();
    state.ok_or_else(|| bad_reply("an unknown state"))
}
