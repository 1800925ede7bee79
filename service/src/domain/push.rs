//! Pushing jobs: each is accepted or refused on its own (`docs/contract.md`, 4).

use std::collections::BTreeMap;

use super::{
    Domain, NamedFields, RequestId, SpiderRef, check_items, job_cmd::set_job_cmd,
    reserved_fields::ReservedFields, step_digest, transition::attempt_in,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{
        JobKey, Metadata, Priority, ProjectId, Role, SpiderId, SpiderName, State, Tags, UniqueKey,
        Units,
    },
    store::{NewJob, Pushed},
};

/// A job to push.
#[derive(Debug)]
pub struct PushJob {
    /// A new name gets a number; a number must be of a spider that exists.
    pub spider: SpiderRef,
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
    /// Metadata that the API has fields for.
    pub named: NamedFields,
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
        let items = self.push_items(caller, project, jobs).await?;
        // What the store said when it went out of reach: later steps are not tried.
        let mut away = None;
        for (step, items) in items.chunks(MAX_BATCH).enumerate() {
            if let Some(away) = &away {
                results.extend(failed(items, away));
                continue;
            }
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
                Err(Error::Unavailable { retry_after, reason, source }) if step > 0 => {
                    let unknown = Error::OutcomeUnknown { retry_after, source: source.clone() };
                    results.extend(failed(items, &unknown));
                    away = Some(Error::Unavailable { retry_after, reason, source });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }

    /// The jobs as the store takes them, each with the name of its spider.
    async fn push_items(
        &self,
        caller: &Caller,
        project: ProjectId,
        jobs: Vec<Result<PushJob>>,
    ) -> Result<Vec<Result<Item>>> {
        let (mut items, mut names) = (Vec::with_capacity(jobs.len()), BTreeMap::new());
        let mut known = self.known_spiders(project).await?;
        for job in jobs {
            let job = match job {
                Ok(job) => job,
                Err(error) => {
                    items.push(Err(error));
                    continue;
                }
            };
            let mut spider = self.spider_of(project, &job.spider, &mut names).await;
            if let Ok(name) = &spider
                && let Err(error) = self.check_spider(&mut known, name).await
            {
                spider = Err(error);
            }
            items.push(match spider {
                Ok(spider) => Item::new(job, spider, caller),
                Err(away @ Error::Unavailable { .. }) => return Err(away),
                Err(error) => Err(error),
            });
        }
        Ok(items)
    }

    /// The name of a spider; those that were read by number before are in `names`.
    async fn spider_of(
        &self,
        project: ProjectId,
        spider: &SpiderRef,
        names: &mut BTreeMap<SpiderId, SpiderName>,
    ) -> Result<SpiderName> {
        let SpiderRef::Number(number) = spider else {
            return self.scheduled_spider(project, spider).await;
        };
        if let Some(name) = names.get(number) {
            return Ok(name.clone());
        }
        let name = self.scheduled_spider(project, spider).await?;
        names.insert(*number, name.clone());
        Ok(name)
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
    fn new(push: PushJob, spider: SpiderName, caller: &Caller) -> Result<Self> {
        let mut fields = ReservedFields::split(push.metadata)?;
        push.named.set(&mut fields.rest)?;
        set_job_cmd(&spider, &mut fields.rest)?;
        fields.rest.check_size().map_err(|error| error.at("metadata_json"))?;
        let tags = if push.tags.is_empty() { fields.tags.unwrap_or_default() } else { push.tags };
        let job = NewJob {
            spider,
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

/// The results of a step that failed, or was not tried. What was refused before it stays refused.
fn failed(items: &[Result<Item>], error: &Error) -> impl Iterator<Item = Result<PushedJob>> {
    items.iter().map(|item| Err(item.as_ref().err().unwrap_or(error).clone()))
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
        Some(Pushed::AtLimit(limit)) => Err(Error::AtLimit(limit)),
        None => Err(Error::bug("push answered too little")),
    }
}

#[cfg(test)]
mod tests;
