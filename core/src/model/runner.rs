//! Runners: programs that take jobs from the queue and say what they can run.

use std::fmt;

use super::{Millis, ProjectId, SpiderName, Tags, short_text};
use crate::{
    error::{Error, Result},
    limits::{
        MAX_RUNNER_ID_BYTES, MAX_RUNNER_LIST, MAX_RUNNER_NAME_BYTES, MAX_RUNNER_SPIDERS,
        MAX_RUNNER_VERSION_BYTES,
    },
};

/// What tells one process of a runner from all others, 1 to [`MAX_RUNNER_ID_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunnerId(String);

impl RunnerId {
    /// Errors name the field `id`.
    pub fn parse(text: &str) -> Result<Self> {
        short_text(text, MAX_RUNNER_ID_BYTES, "id", "must be").map(Self)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a runner says once: it holds as long as its process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// `NAME@HOST`, as its jobs show it.
    pub name: String,
    /// Version of its program.
    pub version: String,
    /// The projects whose jobs it takes; at least one.
    pub projects: Vec<ProjectId>,
    /// Takes jobs of these spiders only; empty: of all.
    pub only_spiders: Vec<SpiderName>,
    /// Takes jobs that have any of these tags only; empty: all.
    pub has_tags: Tags,
    /// Takes no job that has any of these tags.
    pub lacks_tags: Tags,
    /// Units of all jobs that it runs at the same time.
    pub units: u32,
    /// The spiders of its code; `None`: it can't list them.
    pub spiders: Option<Vec<SpiderName>>,
    /// When it started.
    pub started: Millis,
}

impl Runner {
    /// An error that names a field which is too large or missing.
    pub fn check(&self) -> Result<()> {
        short_text(&self.name, MAX_RUNNER_NAME_BYTES, "name", "must be")?;
        short_text(&self.version, MAX_RUNNER_VERSION_BYTES, "version", "must be")?;
        if self.projects.is_empty() {
            return Err(Error::invalid("projects", "must name at least one"));
        }
        let spiders = self.spiders.as_ref().map_or(0, Vec::len);
        for (field, items, most) in [
            ("projects", self.projects.len(), MAX_RUNNER_LIST),
            ("only_spiders", self.only_spiders.len(), MAX_RUNNER_LIST),
            ("spiders", spiders, MAX_RUNNER_SPIDERS),
        ] {
            if items > most {
                return Err(Error::too_large(field, format!("of a runner are at most {most}")));
            }
        }
        Ok(())
    }

    /// Whether it takes jobs of `spider` in `project`, as far as that depends on these.
    #[must_use]
    pub fn takes(&self, project: ProjectId, spider: &SpiderName) -> bool {
        self.projects.contains(&project)
            && (self.only_spiders.is_empty() || self.only_spiders.contains(spider))
    }

    /// Whether its code has `spider`; `None`: that is not known. Scripts are not listed.
    #[must_use]
    pub fn has(&self, spider: &SpiderName) -> Option<bool> {
        let spiders = self.spiders.as_ref().filter(|_| !spider.is_script())?;
        Some(spiders.contains(spider))
    }
}

/// Whether a runner takes jobs, as it said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerState {
    /// It takes jobs.
    Active,
    /// It takes no more jobs and waits for those that run.
    Draining,
    /// It has ended.
    Stopped,
}

impl RunnerState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Draining, Self::Stopped];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

/// How a runner is, as it said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunnerStatus {
    /// When it said so.
    pub reported: Millis,
    /// Whether it takes jobs.
    pub state: RunnerState,
    /// Jobs that it runs.
    pub running_jobs: u32,
    /// Units of these.
    pub running_units: u32,
    /// Bytes that are free where it keeps output on its way to the server; `None`: not known.
    pub free_disk: Option<u64>,
}
