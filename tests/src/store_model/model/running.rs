//! The part of the model that says what may run, and what of it is due.

use spiderq_core::{
    model::{ClaimFilter, Job, JobKey, Millis, SpiderId, State, Tag},
    store::RunningLimit,
};

use super::{Held, Model};

impl Model {
    /// Jobs that are due, each with its time.
    pub(in crate::store_model) fn due(&self, now: Millis) -> Vec<(Millis, JobKey)> {
        let all = self.jobs.iter();
        let due = all.filter_map(|held| Some((held.due()?, held.job.key)));
        due.filter(|(time, _)| *time <= now).collect()
    }

    /// For one that is due.
    pub(in crate::store_model) fn postpone(&mut self, key: JobKey, until: Millis) {
        let mut jobs = self.jobs.iter_mut();
        let held = jobs.find(|held| held.job.key == key);
        held.unwrap().postponed = Some(until);
    }

    pub(in crate::store_model) fn limit_spider(
        &mut self,
        spider: SpiderId,
        most: Option<u32>,
    ) -> bool {
        let known = self.spiders.get_mut(spider.get() as usize - 1);
        known.map(|spider| spider.max_running = most).is_some()
    }

    /// Whether it could run if nothing else did, and its spider runs fewer than it may.
    pub(super) fn may_run(&self, job: &Job) -> bool {
        let units = u64::from(job.units.get());
        let spider = |other: &&Held| other.job.key.spider == job.key.spider;
        let full = self.spiders[job.key.spider.get() as usize - 1].max_running;
        self.max_running_units.is_none_or(|most| units <= most)
            && full.is_none_or(|most| self.running().filter(spider).count() < most as usize)
    }

    /// What does not allow the job to become so.
    pub(super) fn exceeded(&self, before: Option<&Job>, after: &Job) -> Option<RunningLimit> {
        if after.state != State::Running {
            return None;
        }
        let old = before.filter(|job| job.state == State::Running);
        let others = || self.running().filter(|held| held.job.key != after.key);
        let weight = |job: &Job| u64::from(job.units.get());
        let units = others().map(|held| weight(&held.job)).sum::<u64>() + weight(after);
        let jobs = others().count() as u64 + 1;
        let spider = &self.spiders[after.key.spider.get() as usize - 1];
        let its = |held: &&Held| held.job.key.spider == after.key.spider;
        let its = others().filter(its).count() as u64 + 1;
        let more = old.is_none_or(|old| weight(after) > weight(old));
        if old.is_none() && self.max_running.is_some_and(|most| jobs > most) {
            Some(RunningLimit::Running)
        } else if more && self.max_running_units.is_some_and(|most| units > most) {
            Some(RunningLimit::Units)
        } else {
            let over = spider.max_running.is_some_and(|most| its > u64::from(most));
            (old.is_none() && over).then_some(RunningLimit::Spider)
        }
    }

    fn running(&self) -> impl Iterator<Item = &Held> {
        let jobs = self.jobs.iter();
        jobs.filter(|held| held.job.state == State::Running)
    }
}

impl Held {
    /// When it is to be looked at.
    fn due(&self) -> Option<Millis> {
        let ends = self.job.lease_expires.into_iter().chain(self.stop_by);
        let first = ends.min().filter(|_| self.job.state == State::Running)?;
        Some(self.postponed.unwrap_or(first).max(first))
    }
}

/// Whether the job is wanted.
pub(super) fn takes(wanted: &ClaimFilter, job: &Job) -> bool {
    let any = |tags: &[Tag]| tags.iter().any(|tag| job.tags.contains(tag));
    (wanted.spiders.is_empty() || wanted.spiders.contains(&job.spider))
        && (wanted.has_tags.is_empty() || any(&wanted.has_tags))
        && !any(&wanted.lacks_tags)
        && wanted.max_units.is_none_or(|most| job.units <= most)
}
