//! What runs in a project and what may: the answers to `core::effect`.

use std::convert::Infallible;

use spiderq_core::{
    effect::{ProjectView, RunningLimits},
    error::{Error, Result},
    model::{SpiderId, State},
};

use crate::project::Project;

impl Project {
    pub(crate) fn running_limits(&self) -> RunningLimits {
        let setting = |name: &str| Ok(self.settings.get(name).map(ToString::to_string));
        let Ok(limits) = RunningLimits::load::<Infallible>(setting);
        limits
    }

    pub(crate) fn running_units(&self) -> u64 {
        self.in_state(State::Running).map(|job| u64::from(job.units.get())).sum()
    }

    /// Whether the spider runs as many jobs as it may.
    pub(crate) fn is_full(&self, spider: SpiderId) -> bool {
        let Some(limit) = self.spider(spider).and_then(|spider| spider.max_running) else {
            return false;
        };
        let running = self.in_state(State::Running);
        running.filter(|job| job.key.spider == spider).count() >= limit as usize
    }
}

impl ProjectView for &Project {
    type Error = Error;

    fn limits(&mut self) -> Result<RunningLimits> {
        Ok(self.running_limits())
    }

    fn running(&mut self) -> Result<(u64, u64)> {
        Ok((self.in_state(State::Running).count() as u64, self.running_units()))
    }

    fn is_full(&mut self, spider: SpiderId) -> Result<bool> {
        Ok(Project::is_full(self, spider))
    }
}
