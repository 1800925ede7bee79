//! The queue of a project: push, claim, notifications and events.

use std::{cmp::Reverse, sync::atomic::Ordering};

use async_trait::async_trait;
use spiderq_core::{
    effect::{self, Applied, NewEvent, StoredJob},
    error::{Error, Result},
    model::{ClaimFilter, Job, JobId, JobKey, Millis, ProjectId, State, Tag, Tags},
    store::{
        AddOutcome, Added, Changed, Claimed, Effect, EventCursor, Events, KeptAnswers, NewJob,
        Notifications, Pushed, QueueStore, RequestDigest, SpiderRecord,
    },
};

use crate::{MemoryStore, project::Project, request_ids::Reply};

#[async_trait]
impl QueueStore for MemoryStore {
    async fn add(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Vec<AddOutcome>> {
        self.with(project, |project| {
            let kept = project.request_ids.recall(request, now)?;
            let mut push = |jobs: Vec<NewJob>| -> Result<Vec<_>> {
                jobs.into_iter().map(|job| project.push(job, now)).collect()
            };
            let kept = kept.map(|reply| reply.pushed().map(KeptAnswers::whole)).transpose()?;
            let pushed = match kept {
                None => push(jobs)?,
                Some(Ok(pushed)) => return Ok(pushed),
                Some(Err(kept)) => kept.complete(jobs, push)?,
            };
            let kept = KeptAnswers::of(&pushed, false, AddOutcome::is_err);
            project.request_ids.keep(request, now, kept.map(Reply::Pushed));
            Ok(pushed)
        })
    }

    async fn claim(
        &self,
        project: ProjectId,
        wanted: &ClaimFilter,
        effect: &Effect,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Option<Claimed>> {
        self.with(project, |project| {
            if let Some(reply) = project.request_ids.recall(request, now)? {
                let (key, fence) = reply.claimed()?;
                let held = project.jobs.get(&key).filter(|stored| stored.is_held_by(&fence, now));
                let stored = held.ok_or_else(|| Error::Stale(key))?;
                return Ok(Some(Claimed { job: stored.job.clone(), fence }));
            }
            let claimed = project.claim(wanted, effect, now)?;
            if let Some(Claimed { job, fence }) = &claimed {
                let reply = Reply::Claimed(job.key, fence.clone());
                project.request_ids.keep(request, now, Some(reply));
            }
            Ok(claimed)
        })
    }

    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> Result<Vec<JobKey>> {
        Ok(self.with(project, |project| {
            let mut pending: Vec<&Job> = project.in_state(State::Pending).collect();
            pending.sort_by_key(|job| job.position);
            pending.into_iter().take(limit).map(|job| job.key).collect()
        }))
    }

    async fn subscribe(&self, project: ProjectId) -> Result<Notifications> {
        Ok(self.with(project, |project| project.subscribe()))
    }

    async fn subscribe_output(&self, project: ProjectId) -> Result<Notifications> {
        Ok(self.with(project, |project| Notifications::new(project.output.subscribe())))
    }

    async fn notify_output(&self, project: ProjectId) -> Result<()> {
        self.with(project, |project| project.output.send_replace(()));
        Ok(())
    }

    async fn events(
        &self,
        project: ProjectId,
        after: Option<EventCursor>,
        limit: usize,
    ) -> Result<Events> {
        self.event_reads.fetch_add(1, Ordering::Relaxed);
        self.with(project, |project| project.events.read(after, limit))
    }
}

impl Project {
    fn push(&mut self, new: NewJob, now: Millis) -> Result<AddOutcome> {
        let holder = || self.jobs.values().find(|stored| stored.unique == new.unique);
        if new.unique.is_some()
            && let Some(holder) = holder()
        {
            return Ok(Err(Pushed::Duplicate(holder.job.key)));
        }
        let spider = self.find_spider(&new.spider);
        let Some(tags) = tags(spider, &new) else { return Ok(Err(Pushed::TooManyTags)) };
        if new.state == State::Running {
            let (units, spider) = (new.units.get().into(), spider.map(|spider| spider.id));
            if let Some(limit) = effect::check_running(&mut &*self, 1, units, spider)? {
                return Ok(Err(Pushed::AtLimit(limit)));
            }
        }
        let key = self.next_key(&new)?;
        let position = self.next_position(now);
        let after = StoredJob::added(new, tags.clone(), key, position, now);
        let event = Some(NewEvent::added(&after.job));
        self.write(Applied { after, event, notify: true });
        Ok(Ok(Added { key, position, time: now, tags }))
    }

    /// The next number of the job's spider, which gets one too if it has none.
    fn next_key(&mut self, new: &NewJob) -> Result<JobKey> {
        let id = self.spider_id(&new.spider)?;
        let spider = self.spider_mut(id).ok_or_else(|| Error::bug("a spider without a record"))?;
        let last = spider.last_job.map_or(0, JobId::get);
        let job = JobId::new(last.cast_signed() + 1)?;
        spider.last_job = Some(job);
        Ok(JobKey { project: self.id, spider: id, job })
    }

    fn claim(
        &mut self,
        wanted: &ClaimFilter,
        effect: &Effect,
        now: Millis,
    ) -> Result<Option<Claimed>> {
        let max_units = self.running_limits().units;
        let pending = self.jobs.values().filter(|stored| {
            let job = &stored.job;
            // One that could never run must not stand before all others.
            let fits = max_units.is_none_or(|most| u64::from(job.units.get()) <= most);
            fits && allows(wanted, job) && !self.is_full(job.key.spider)
        });
        let first = pending.min_by_key(|stored| {
            let (priority, front) = (Reverse(stored.job.priority), Reverse(stored.front));
            (priority, front, stored.job.position)
        });
        let Some(before) = first else { return Ok(None) };
        match effect::apply(before, effect, now, self.next_position(now), &mut &*self)? {
            Ok(applied) => {
                let job = applied.after.job.clone();
                let fence = applied.after.fence.clone();
                let fence = fence.ok_or_else(|| Error::bug("a claim without a start"))?;
                self.write(applied);
                Ok(Some(Claimed { job, fence }))
            }
            Err(Changed::AtLimit(_)) => Ok(None),
            Err(_) => Err(Error::bug("a claim that is refused")),
        }
    }
}

/// Whether a claim may take this job.
fn allows(wanted: &ClaimFilter, job: &Job) -> bool {
    let any = |tags: &[Tag]| tags.iter().any(|tag| job.tags.contains(tag));
    job.state == State::Pending
        && (wanted.spiders.is_empty() || wanted.spiders.contains(&job.spider))
        && (wanted.has_tags.is_empty() || any(&wanted.has_tags))
        && !any(&wanted.lacks_tags)
        && wanted.max_units.is_none_or(|most| job.units <= most)
}

/// Those of the spider, if the job takes them, before its own; `None` when they are too many.
fn tags(spider: Option<&SpiderRecord>, new: &NewJob) -> Option<Tags> {
    match spider.filter(|_| new.spider_tags) {
        Some(spider) => effect::tags_with_spider(&spider.tags, &new.tags),
        None => Some(new.tags.clone()),
    }
}
