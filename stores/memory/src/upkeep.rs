//! Leases that end, retention, and the health of the store.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use async_trait::async_trait;
use spiderq_core::{
    effect::NewEvent,
    error::{Error, Result},
    model::{JobKey, Millis, ProjectId, State},
    store::{
        CheckProgress, CheckScope, CheckSummary, Durability, MAX_BATCH, Pruned, Retention,
        UpkeepStore,
    },
};

use crate::{MemoryStore, lock, project::Project};

#[async_trait]
impl UpkeepStore for MemoryStore {
    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<JobKey>> {
        let projects = lock(&self.projects);
        let jobs = projects.values().flat_map(|project| project.jobs.values());
        let due = jobs.filter_map(|stored| Some((stored.due?, stored.job.key)));
        let due: BTreeSet<_> = due.filter(|(time, _)| *time <= now).collect();
        Ok(due.into_iter().take(limit).map(|(_, key)| key).collect())
    }

    async fn postpone(&self, key: JobKey, until: Millis) -> Result<()> {
        self.with(key.project, |project| {
            if let Some(stored) = project.jobs.get_mut(&key) {
                // Never before its lease or its time to stop.
                stored.due = stored.own_due().map(|first| first.max(until));
            }
        });
        Ok(())
    }

    async fn prune(
        &self,
        project: ProjectId,
        state: State,
        keep: &Retention,
        limit: usize,
    ) -> Result<Pruned> {
        Ok(self.with(project, |project| project.prune(state, keep, limit)))
    }

    async fn keep_round(&self, now: Millis) -> Result<()> {
        *lock(&self.last_round) = Some(now);
        Ok(())
    }

    async fn last_round(&self) -> Result<Option<Millis>> {
        if self.rounds_are_away.load(Ordering::Relaxed) {
            return Err(Error::unavailable("the rounds are away"));
        }
        Ok(*lock(&self.last_round))
    }

    async fn clock(&self) -> Result<Option<Millis>> {
        Ok(None)
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn durability(&self) -> Result<Durability> {
        let report = "memory: every write is lost when the process ends".to_owned();
        Ok(Durability { safe: false, report })
    }

    /// There are no two records of one thing that could disagree.
    async fn check(
        &self,
        _: &CheckScope,
        _: bool,
        _: &mut (dyn FnMut(CheckProgress) + Send),
    ) -> Result<CheckSummary> {
        Ok(CheckSummary::default())
    }
}

impl Project {
    fn prune(&mut self, state: State, keep: &Retention, limit: usize) -> Pruned {
        let jobs = self.jobs.values().map(|stored| &stored.job);
        let mut oldest: Vec<_> = jobs
            .filter(|job| job.state == state)
            .map(|job| (job.position, job.key, job.metadata.bytes() as u64))
            .collect();
        oldest.sort_unstable();
        let mut jobs = oldest.len() as u64;
        let mut bytes: u64 = oldest.iter().map(|old| old.2).sum();
        let mut pruned = Pruned::default();
        for (position, key, size) in oldest.into_iter().take(limit.min(MAX_BATCH)) {
            let too_old = keep.from.is_some_and(|from| position < from);
            let too_many = keep.jobs.is_some_and(|most| jobs > most);
            let too_large = keep.bytes.is_some_and(|most| bytes > most);
            if !(too_old || too_many || too_large) {
                break;
            }
            self.jobs.remove(&key);
            self.events.add(NewEvent::purged(key, state));
            (jobs, bytes) = (jobs - 1, bytes - size);
            pruned.keys.push(key);
            pruned.count += 1;
        }
        if pruned.count > 0 {
            self.notify();
        }
        pruned
    }
}
