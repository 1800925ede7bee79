//! Pushing jobs: each is accepted or refused on its own (`docs/contract.md`, 4).

use super::{
    Domain, RequestId, check_items, job_cmd::set_job_cmd, reserved_fields::ReservedFields,
    step_digest, transition::attempt_in,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{
        JobKey, Metadata, Priority, ProjectId, Role, SpiderName, State, Tags, UniqueKey, Units,
    },
    store::{NewJob, Pushed},
};

/// A job to push.
#[derive(Debug)]
pub struct PushJob {
    /// A spider without a number gets one.
    pub spider: SpiderName,
    /// The state that it begins in.
    pub state: State,
    /// `None`: that of the metadata, or the default.
    pub priority: Option<Priority>,
    /// `None`: those of the metadata, or the default.
    pub units: Option<Units>,
    /// Empty: those of the metadata.
    pub tags: Tags,
    /// While a pending or running job has the same value, the push is refused.
    pub unique: Option<String>,
    /// All other fields.
    pub metadata: Metadata,
}

/// A pushed job's key, and its token if it was pushed as running.
pub type PushedJob = (JobKey, Option<String>);

impl Domain {
    /// Pushes up to [`MAX_ITEMS`](spiderq_core::limits::MAX_ITEMS) jobs; returns the outcomes in
    /// their order. Jobs that are errors already stay errors.
    pub async fn push_jobs(
        &self,
        caller: &Caller,
        project: ProjectId,
        jobs: Vec<Result<PushJob>>,
        request_id: Option<RequestId>,
    ) -> Result<Vec<Result<PushedJob>>> {
        caller.may(Role::User, project)?;
        check_items("jobs", jobs.len())?;
        let now = self.now();
        let mut results = Vec::with_capacity(jobs.len());
        let items = jobs.into_iter().map(|job| Item::new(job?, caller));
        let items: Vec<Result<Item>> = items.collect();
        for (step, items) in items.chunks(MAX_BATCH).enumerate() {
            let new: Vec<NewJob> = items.iter().flatten().map(|item| item.job.clone()).collect();
            // Where all are refused, nothing is kept under the request id.
            if new.is_empty() {
                results.extend(self.push_results(items, Vec::new()));
                continue;
            }
            let digest = step_digest(request_id.as_ref(), step, now);
            match self.store.push(project, new, now, digest.as_ref()).await {
                Ok(pushed) => results.extend(self.push_results(items, pushed)),
                // Jobs of earlier steps stay pushed, so the caller must get their keys.
                Err(away @ Error::Unavailable { .. }) if step > 0 => {
                    results.extend(items.iter().map(|_| Err(away.clone())));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }

    fn push_results<'a>(
        &'a self,
        items: &'a [Result<Item>],
        pushed: Vec<Pushed>,
    ) -> impl Iterator<Item = Result<PushedJob>> + 'a {
        let mut pushed = pushed.into_iter();
        items.iter().map(move |item| {
            let item = item.as_ref().map_err(Error::clone)?;
            let unique = || item.unique.as_deref().unwrap_or_default();
            let duplicate = || format!("Active job exists with key {}", unique());
            let key = pushed_key(pushed.next(), duplicate)?;
            let running = item.job.state == State::Running;
            Ok((key, running.then(|| self.sign_job_token(key, 1))))
        })
    }
}

/// A job as the store takes it, and its unique value for the error of a duplicate.
struct Item {
    job: NewJob,
    unique: Option<String>,
}

impl Item {
    fn new(push: PushJob, caller: &Caller) -> Result<Self> {
        let mut fields = ReservedFields::split(push.metadata)?;
        set_job_cmd(&push.spider, &mut fields.rest)?;
        let tags = if push.tags.is_empty() { fields.tags.unwrap_or_default() } else { push.tags };
        let job = NewJob {
            spider: push.spider,
            state: push.state,
            scheduled: false,
            actor: caller.actor().clone(),
            priority: push.priority.or(fields.priority).unwrap_or_default(),
            units: push.units.or(fields.units).unwrap_or_default(),
            tags,
            spider_tags: false,
            unique: push.unique.as_deref().map(UniqueKey::of_value),
            counters: fields.counters,
            metadata: fields.rest,
            start: attempt_in(push.state)?,
        };
        Ok(Self { job, unique: push.unique })
    }
}

/// The key of a job that was added; any other outcome is an error. `duplicate` is the text for a
/// job whose unique key is taken.
pub(super) fn pushed_key(
    pushed: Option<Pushed>,
    duplicate: impl FnOnce() -> String,
) -> Result<JobKey> {
    match pushed {
        Some(Pushed::Added(key)) => Ok(key),
        Some(Pushed::Duplicate(job)) => Err(Error::Duplicate { message: duplicate(), job }),
        Some(Pushed::TooManyTags) => Err(Tags::too_many()),
        Some(Pushed::AtLimit(limit)) => Err(Error::AtLimit(limit.to_string())),
        None => Err(Error::bug("push answered too little")),
    }
}

#[cfg(test)]
mod tests;
