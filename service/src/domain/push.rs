//! Push: adding jobs to a project, each accepted or refused on its own (CONTRACT 4).

use super::{Domain, ItemError, check_items, known::Known, request::RequestId};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{
        Fence, JobKey, Metadata, Priority, ProjectId, Role, SpiderName, State, Tags, UniqueKey,
        Units,
    },
    store::{MAX_BATCH, NewAttempt, NewJob, Pushed},
};

/// A job to push, its parts already checked one by one.
#[derive(Debug)]
pub struct Push {
    /// Its spider.
    pub spider: SpiderName,
    /// The state it begins in.
    pub state: State,
    /// Its rank.
    pub priority: Option<Priority>,
    /// Its weight.
    pub units: Option<Units>,
    /// Its tags.
    pub tags: Tags,
    /// While an active job has it, the push is refused.
    pub unique: Option<String>,
    /// Other fields.
    pub metadata: Metadata,
}

/// A pushed job's key, and its token when it was pushed as running.
pub type PushedJob = (JobKey, Option<String>);

impl Domain {
    /// Pushes up to [`MAX_ITEMS`](super::MAX_ITEMS) jobs; answers in their order. Those
    /// that are errors already stay errors.
    pub async fn push(
        &self,
        caller: &Caller,
        project: ProjectId,
        jobs: Vec<Result<Push>>,
        request: Option<RequestId>,
    ) -> Result<Vec<Result<PushedJob, ItemError>>> {
        caller.may(Role::User, project)?;
        check_items("jobs", jobs.len())?;
        let now = self.now();
        let mut answers = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter();
        for part in 0.. {
            let chunk: Vec<_> = jobs.by_ref().take(MAX_BATCH).collect();
            if chunk.is_empty() {
                break;
            }
            let chunk: Vec<_> =
                chunk.into_iter().map(|job| job.and_then(|job| Item::new(job, caller))).collect();
            let key = request.as_ref().map(|request| request.part(part, now));
            let new = chunk.iter().flatten().map(|item| item.job.clone()).collect();
            match self.store.push(project, new, now, key.as_ref()).await {
                Ok(pushed) => answers.extend(self.answers(chunk, pushed)),
                // What was pushed before stays pushed: those lines must be answered.
                Err(Error::Unavailable { .. }) if part > 0 => {
                    answers.extend(chunk.into_iter().map(|_| Err(ItemError::unavailable())));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(answers)
    }

    fn answers(
        &self,
        chunk: Vec<Result<Item>>,
        pushed: Vec<Pushed>,
    ) -> impl Iterator<Item = Result<PushedJob, ItemError>> {
        let mut pushed = pushed.into_iter();
        chunk.into_iter().map(move |item| {
            let item = item.map_err(|error| ItemError::of(&error))?;
            match pushed.next() {
                Some(Pushed::Added(key)) => {
                    let token = (item.job.state == State::Running).then(|| self.token(key, 1));
                    Ok((key, token))
                }
                Some(Pushed::Duplicate) => Err(ItemError::of(&Error::Duplicate(format!(
                    "Active job exists with key {}",
                    item.unique.unwrap_or_default()
                )))),
                Some(Pushed::TooManyTags) => Err(ItemError::of(&Tags::too_many())),
                Some(Pushed::AtLimit(limit)) => {
                    Err(ItemError::of(&Error::AtLimit(limit.to_string())))
                }
                None => Err(ItemError::of(&Error::bug("push answered too little"))),
            }
        })
    }
}

/// A job as the store takes it, and the unique value for its refusal.
struct Item {
    job: NewJob,
    unique: Option<String>,
}

impl Item {
    fn new(push: Push, caller: &Caller) -> Result<Self> {
        let known = Known::of(push.metadata)?;
        let tags = if push.tags.is_empty() { known.tags.unwrap_or_default() } else { push.tags };
        let running = push.state == State::Running;
        let start = running.then(new_start).transpose()?;
        Ok(Self {
            job: NewJob {
                spider: push.spider,
                state: push.state,
                scheduled: false,
                spider_tags: false,
                actor: caller.actor().clone(),
                priority: push.priority.or(known.priority).unwrap_or_default(),
                units: push.units.or(known.units).unwrap_or_default(),
                tags,
                unique: push.unique.as_deref().map(UniqueKey::of_value),
                counters: known.counters,
                metadata: known.rest,
                start,
            },
            unique: push.unique,
        })
    }
}

/// The start of a job that nobody leased.
pub(super) fn new_start() -> Result<NewAttempt> {
    Ok(NewAttempt { fence: Fence::random()?, lease_expires: None })
}
