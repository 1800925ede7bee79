//! Jobs by key and by filter.

use std::cmp::Reverse;

use async_trait::async_trait;
use spiderq_core::{
    effect::{self, NewEvent},
    error::{Error, Result},
    model::{FieldSelection, Filter, Job, JobKey, Millis, Position, ProjectId, State},
    store::{
        Change, Changed, JobStore, KeptAnswers, Page, PageRoom, Purged, RequestDigest, Skipped,
    },
};

use crate::{
    MemoryStore, lock,
    project::{Project, select},
    request_ids::Reply,
};

#[async_trait]
impl JobStore for MemoryStore {
    async fn get_first(
        &self,
        keys: &[JobKey],
        fields: &FieldSelection,
    ) -> Result<Vec<Option<Job>>> {
        let projects = lock(&self.projects);
        let job = |key: &JobKey| {
            let stored = projects.get(&key.project)?.jobs.get(key)?;
            Some(select(&stored.job, fields))
        };
        let memory = |job: &Option<Job>| job.as_ref().map_or(0, Job::memory);
        Ok(with_room(keys.iter().map(job), memory))
    }

    async fn page(
        &self,
        project: ProjectId,
        filter: &Filter,
        limit: usize,
        fields: &FieldSelection,
    ) -> Result<Page> {
        Ok(self.with(project, |project| {
            let mut jobs: Vec<&Job> = project.jobs().filter(|job| filter.matches(job)).collect();
            jobs.sort_by_key(|job| Reverse(job.position));
            let matching = jobs.len();
            jobs.truncate(limit);
            let jobs = with_room(jobs.into_iter().map(|job| select(job, fields)), Job::memory);
            let next = jobs.last().map(|job| job.position).filter(|_| jobs.len() < matching);
            Page { jobs, next }
        }))
    }

    async fn skip(&self, project: ProjectId, filter: &Filter, most: u64) -> Result<Skipped> {
        Ok(self.with(project, |project| {
            let matching = project.jobs().filter(|job| filter.matches(job));
            let mut positions: Vec<Position> = matching.map(|job| job.position).collect();
            positions.sort_by_key(|position| Reverse(*position));
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let next = (most < positions.len()).then(|| positions[most - 1]);
            Skipped { jobs: positions.len().min(most) as u64, next }
        }))
    }

    async fn count(&self, project: ProjectId, filter: &Filter) -> Result<u64> {
        let matching =
            |project: &mut Project| project.jobs().filter(|job| filter.matches(job)).count() as u64;
        Ok(self.with(project, matching))
    }

    async fn change(
        &self,
        project: ProjectId,
        changes: Vec<Change>,
        all_or_nothing: bool,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Vec<Changed>> {
        self.with(project, |project| {
            let kept = project.request_ids.recall(request, now)?;
            let mut change = |changes: Vec<_>| project.change_all(&changes, all_or_nothing, now);
            let kept = kept.map(|reply| reply.changed().map(KeptAnswers::whole)).transpose()?;
            let changed = match kept {
                None => change(changes)?,
                Some(Ok(changed)) => return Ok(changed),
                Some(Err(kept)) => kept.complete(changes, change)?,
            };
            let kept = KeptAnswers::of(&changed, all_or_nothing, Changed::is_refusal);
            project.request_ids.keep(request, now, kept.map(Reply::Changed));
            Ok(changed)
        })
    }

    async fn purge(&self, key: JobKey) -> Result<Purged> {
        Ok(self.with(key.project, |project| {
            match project.jobs.get(&key).map(|stored| stored.job.state) {
                None => Purged::Missing,
                Some(State::Deleted) => {
                    project.jobs.remove(&key);
                    project.events.add(NewEvent::purged(key, State::Deleted));
                    project.notify();
                    Purged::Done
                }
                Some(state) => Purged::Refused(state),
            }
        }))
    }
}

/// The first of `jobs`, until the room of a step is used up.
pub(crate) fn with_room<T>(jobs: impl Iterator<Item = T>, memory: impl Fn(&T) -> usize) -> Vec<T> {
    let (mut room, mut has_room) = (PageRoom::default(), true);
    jobs.take_while(|job| std::mem::replace(&mut has_room, room.take(memory(job)))).collect()
}

impl Project {
    /// Applies all changes in order, or none of them after a refusal or an error.
    fn change_all(
        &mut self,
        changes: &[Change],
        all_or_nothing: bool,
        now: Millis,
    ) -> Result<Vec<Changed>> {
        let before = self.clone();
        let changed = changes.iter().map(|change| self.change(change, now));
        let changed = changed.collect::<Result<Vec<_>>>();
        if changed.is_err() || all_or_nothing && changed.iter().flatten().any(Changed::is_refusal) {
            *self = before;
        }
        changed
    }

    fn change(&mut self, change: &Change, now: Millis) -> Result<Changed> {
        if change.key.project != self.id {
            return Err(Error::bug("a change of another project's job"));
        }
        let (found, next) = (self.jobs.get(&change.key), self.next_position(now));
        let (changed, applied) = effect::change(found, change, now, next, &mut &*self)?;
        if let Some(applied) = applied {
            self.write(applied);
        }
        Ok(changed)
    }
}
