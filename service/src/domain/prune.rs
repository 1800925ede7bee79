//! Prune: jobs go for good when a project has more of them than its settings keep. Safe in any
//! number of processes: each step of the store looks for itself what is too much.
//!
//! A project is kept as it is by `keep_finished_days`, `keep_finished_jobs`,
//! `keep_finished_bytes`, and the same of `deleted`, that are not set.

use std::{sync::Arc, time::Duration};

use super::{Domain, rules};
use spiderq_core::{
    error::{Error, Result},
    model::{Metadata, Millis, Position, ProjectId, State},
    store::{MAX_BATCH, Retention},
};

/// Milliseconds of a day.
const DAY: u64 = 24 * 60 * 60 * 1000;
/// Projects that one round looks at: a read of settings each.
const PROJECTS: usize = 500;
/// Steps of up to [`MAX_BATCH`] jobs for one project and state in one round.
const STEPS: usize = 100;
/// Projects out of reach in a row after which a round ends.
const AWAY: usize = 10;
/// Rest after a round, where there is more to do.
const SHORT: Duration = Duration::from_secs(5);

/// What bounds a state.
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

/// Goes from project to project, round by round.
#[derive(Debug)]
pub struct Pruner {
    domain: Arc<Domain>,
    /// The project that was looked at last; `None` before the first.
    after: Option<ProjectId>,
    /// Whether there was more to do in a project since the first.
    more: bool,
}

impl Pruner {
    /// Rest where there is nothing more to do.
    pub const REST: Duration = Duration::from_secs(60);

    /// For the projects of this domain's store.
    #[must_use]
    pub fn new(domain: Arc<Domain>) -> Self {
        Self { domain, after: None, more: false }
    }

    /// Looks at the next projects, and removes what is too much; how long to rest. A project
    /// that can't be pruned is logged, and looked at again when its turn comes: only a store
    /// that is out of reach ends a round.
    pub async fn round(&mut self) -> Result<Duration> {
        let now = self.domain.now();
        let projects = self.domain.store.projects(self.after, PROJECTS).await?;
        let mut away = 0;
        for project in &projects {
            match self.domain.prune(*project, now).await {
                Ok(more) => (self.more, away) = (self.more || more, 0),
                // In a Cluster others may be in reach.
                Err(error @ Error::Unavailable { .. }) => {
                    away += 1;
                    if away == AWAY {
                        return Err(error);
                    }
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, %project, "old jobs could not be removed");
                }
            }
        }
        self.after = projects.last().copied();
        if projects.len() == PROJECTS {
            return Ok(SHORT);
        }
        self.after = None;
        Ok(if std::mem::take(&mut self.more) { SHORT } else { Self::REST })
    }
}

impl Domain {
    /// Removes what a project has too much, for a while; whether there may be more.
    async fn prune(&self, project: ProjectId, now: Millis) -> Result<bool> {
        let names: Vec<&str> = RULES.iter().flat_map(Rule::names).collect();
        let settings = self.store.named_settings(project, &names).await?;
        let mut more = false;
        for rule in &RULES {
            let keep = rule.keep(&settings, now);
            if keep == Retention::default() {
                continue;
            }
            let (mut gone, mut full) = (0, true);
            for _ in 0..STEPS {
                let step = self.store.prune(project, rule.state, &keep, MAX_BATCH).await?;
                gone += step;
                full = step == MAX_BATCH;
                if !full {
                    break;
                }
            }
            more |= full;
            if gone > 0 {
                let state = rule.state.as_str();
                tracing::info!(%project, state, jobs = gone, "removed for good");
            }
        }
        Ok(more)
    }
}

impl Rule {
    const fn names(&self) -> [&'static str; 3] {
        [self.days, self.jobs, self.bytes]
    }

    fn keep(&self, settings: &Metadata, now: Millis) -> Retention {
        let number = |name| rules::number(settings, name);
        let since = |days: u64| Millis(now.0.saturating_sub(days.saturating_mul(DAY)));
        Retention {
            from: number(self.days).map(|days| Position::at(since(days))),
            jobs: number(self.jobs),
            bytes: number(self.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spiderq_core::model::JsonText;

    #[test]
    fn settings_say_what_to_keep() {
        let mut settings = Metadata::default();
        let now = Millis(10 * DAY + 5);
        assert_eq!(RULES[0].keep(&settings, now), Retention::default());
        for (name, value) in
            [("keep_finished_days", 3), ("keep_finished_jobs", 0), ("keep_deleted_bytes", 1_000)]
        {
            settings.set(name, JsonText::integer(value));
        }
        settings.set("keep_deleted_days", JsonText::parse("null").unwrap());
        let finished = Retention {
            from: Some(Position((7 * DAY + 5) * Position::PER_MS)),
            jobs: Some(0),
            bytes: None,
        };
        assert_eq!(RULES[0].keep(&settings, now), finished);
        let deleted = Retention { bytes: Some(1_000), ..Retention::default() };
        assert_eq!(RULES[1].keep(&settings, now), deleted);
        settings.set("keep_finished_days", JsonText::integer(1_000_000));
        assert_eq!(RULES[0].keep(&settings, now).from, Some(Position(0)));
    }
}
