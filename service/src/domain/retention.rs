//! Retention: removes jobs for good when a project has more than its settings keep. It may run
//! in any number of processes: each step of the store decides for itself what to remove.
//!
//! The settings are `keep_finished_days`, `keep_finished_jobs`, `keep_finished_bytes`, and the
//! same of `deleted`; one that is not set removes nothing.

use std::{sync::Arc, time::Duration};

use super::{Domain, settings};
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{Metadata, Millis, Position, ProjectId, State},
    store::Retention,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Projects of one round: each costs a read of its settings.
const ROUND_PROJECTS: usize = 500;
/// Steps of up to [`MAX_BATCH`] jobs for one project and state in a round, so that a large
/// project does not hold up the others.
const MAX_STEPS: usize = 100;
/// Projects in a row that can't be reached, after which a round ends.
const MAX_UNREACHABLE: usize = 10;
/// Pause before the next round, if there is more to do.
const SHORT_PAUSE: Duration = Duration::from_secs(5);

/// The settings that bound a state.
struct Rule {
    state: State,
    days: &'static str,
    jobs: &'static str,
    bytes: &'static str,
}

const RULES: [Rule; 2] = [
    Rule {
        state: State::Finished,
        days: "keep_finished_days",
        jobs: "keep_finished_jobs",
        bytes: "keep_finished_bytes",
    },
    Rule {
        state: State::Deleted,
        days: "keep_deleted_days",
        jobs: "keep_deleted_jobs",
        bytes: "keep_deleted_bytes",
    },
];

/// Removes old jobs of one project after the other, round by round.
#[derive(Debug)]
pub struct Pruner {
    domain: Arc<Domain>,
    /// The project that was handled last; `None` before the first.
    after: Option<ProjectId>,
    /// Whether any project in this pass has more to remove.
    more: bool,
}

impl Pruner {
    /// Pause before the next round, if there is nothing more to do.
    pub const PAUSE: Duration = Duration::from_secs(60);

    /// Handles the projects of this domain's store.
    #[must_use]
    pub fn new(domain: Arc<Domain>) -> Self {
        Self { domain, after: None, more: false }
    }

    /// Handles the next projects; how long to pause then. A project that can't be pruned is
    /// logged and comes again in its turn: only a store that can't be reached ends a round.
    pub async fn round(&mut self) -> Result<Duration> {
        let now = self.domain.now();
        let projects = self.domain.store.projects(self.after, ROUND_PROJECTS).await?;
        let mut unreachable = 0;
        for project in &projects {
            match self.domain.prune(*project, now).await {
                Ok(more) => (self.more, unreachable) = (self.more || more, 0),
                // In a Redis Cluster the node of another project may be reachable.
                Err(error @ Error::Unavailable { .. }) => {
                    unreachable += 1;
                    if unreachable == MAX_UNREACHABLE {
                        return Err(error);
                    }
                }
                Err(error) => {
                    tracing::warn!(%project, %error, cause = error.cause(), "old jobs not removed");
                }
            }
        }
        self.after = projects.last().copied();
        if projects.len() == ROUND_PROJECTS {
            return Ok(SHORT_PAUSE);
        }
        self.after = None;
        Ok(if std::mem::take(&mut self.more) { SHORT_PAUSE } else { Self::PAUSE })
    }
}

impl Domain {
    /// Removes what a project's settings do not keep; whether there may be more to remove.
    async fn prune(&self, project: ProjectId, now: Millis) -> Result<bool> {
        let names: Vec<&str> = RULES.iter().flat_map(Rule::names).collect();
        let settings = self.store.named_settings(project, &names).await?;
        let mut more = false;
        for rule in &RULES {
            let retention = rule.retention(&settings, now);
            if retention != Retention::default() {
                more |= self.prune_state(project, rule.state, &retention).await?;
            }
        }
        Ok(more)
    }

    async fn prune_state(
        &self,
        project: ProjectId,
        state: State,
        retention: &Retention,
    ) -> Result<bool> {
        let (mut removed, mut more) = (0, true);
        for _ in 0..MAX_STEPS {
            let step = self.store.prune(project, state, retention, MAX_BATCH).await?;
            removed += step;
            more = step == MAX_BATCH;
            if !more {
                break;
            }
        }
        if removed > 0 {
            self.jobs_were_removed();
            tracing::info!(%project, state = state.as_str(), jobs = removed, "old jobs removed");
        }
        Ok(more)
    }
}

impl Rule {
    const fn names(&self) -> [&'static str; 3] {
        [self.days, self.jobs, self.bytes]
    }

    fn retention(&self, settings: &Metadata, now: Millis) -> Retention {
        let number = |name| settings::number(settings, name);
        let since = |days: u64| Millis(now.0.saturating_sub(days.saturating_mul(DAY_MS)));
        Retention {
            from: number(self.days).map(|days| Position::at(since(days))),
            jobs: number(self.jobs),
            bytes: number(self.bytes),
        }
    }
}

#[cfg(test)]
mod tests;
