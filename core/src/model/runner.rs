//! Runners: programs that take jobs from the queue and say what they can run.

use std::fmt;

use super::{Millis, ProjectId, SpiderName, Tags, short_text};
use crate::{
    error::{Error, Result},
    limits::{
        MAX_RUNNER_ID_BYTES, MAX_RUNNER_LIST, MAX_RUNNER_NAME_BYTES, MAX_RUNNER_SPIDERS,
        MAX_RUNNER_SPIDERS_BYTES, MAX_RUNNER_VERSION_BYTES, bytes_text,
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
        let spiders = self.spiders.as_deref().unwrap_or_default();
        for (field, items, most) in [
            ("projects", self.projects.len(), MAX_RUNNER_LIST),
            ("only_spiders", self.only_spiders.len(), MAX_RUNNER_LIST),
            ("spiders", spiders.len(), MAX_RUNNER_SPIDERS),
        ] {
            if items > most {
                return Err(Error::too_large(field, format!("of a runner are at most {most}")));
            }
        }
        if spiders.iter().map(|spider| spider.as_str().len()).sum::<usize>()
            > MAX_RUNNER_SPIDERS_BYTES
        {
            let most = bytes_text(MAX_RUNNER_SPIDERS_BYTES);
            return Err(Error::too_large("spiders", format!("of a runner are at most {most}")));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(spiders: Vec<SpiderName>) -> Runner {
        Runner {
            name: "r@host".to_owned(),
            version: "1".to_owned(),
            projects: vec![ProjectId::parse("1").unwrap()],
            only_spiders: Vec::new(),
            has_tags: Tags::default(),
            lacks_tags: Tags::default(),
            units: 1,
            spiders: Some(spiders),
            started: Millis(0),
        }
    }

    fn spiders(count: usize, bytes: usize) -> Vec<SpiderName> {
        vec![SpiderName::parse(&"s".repeat(bytes)).unwrap(); count]
    }

    #[test]
    fn a_runner_has_names_and_bounded_lists() {
        let good = [runner(spiders(MAX_RUNNER_SPIDERS, 26)), runner(Vec::new())];
        assert!(good.iter().all(|runner| runner.check().is_ok()));
        for (bad, says) in [
            (
                Runner { name: String::new(), ..runner(Vec::new()) },
                "name: must be 1 to 320 bytes of text without control characters",
            ),
            (
                Runner { version: "x".repeat(65), ..runner(Vec::new()) },
                "version: must be 1 to 64 bytes of text without control characters",
            ),
            (
                Runner { projects: Vec::new(), ..runner(Vec::new()) },
                "projects: must name at least one",
            ),
            (
                Runner { only_spiders: spiders(1_001, 1), ..runner(Vec::new()) },
                "only_spiders: of a runner are at most 1000",
            ),
            (runner(spiders(10_001, 1)), "spiders: of a runner are at most 10000"),
            (runner(spiders(9_999, 27)), "spiders: of a runner are at most 256 KiB"),
        ] {
            assert_eq!(bad.check().unwrap_err().to_string(), says);
        }
    }
}
