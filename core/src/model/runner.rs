//! Runners: programs that take jobs from the queue and say what they can run.

use std::fmt;

use super::{Millis, ProjectId, SpiderName, SpiderNames, Tags, short_text};
use crate::{
    error::{Error, Result},
    limits::{
        MAX_RUNNER_ID_BYTES, MAX_RUNNER_LIST, MAX_RUNNER_NAME_BYTES, MAX_RUNNER_SPIDERS,
        MAX_RUNNER_SPIDERS_BYTES, MAX_RUNNER_VERSION_BYTES, bytes_text,
    },
};

/// What tells one process of a runner from all others: 1 to [`MAX_RUNNER_ID_BYTES`] letters,
/// digits, `.`, `_`, `-`, `:` and `@` of ASCII.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunnerId(String);

impl RunnerId {
    /// Errors name the field `id`.
    pub fn parse(text: &str) -> Result<Self> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-:@".contains(c);
        if text.is_empty() || text.len() > MAX_RUNNER_ID_BYTES || !text.chars().all(is_allowed) {
            let accepted = format!(
                "must be 1 to {MAX_RUNNER_ID_BYTES} of A-Z, a-z, 0-9, `.`, `_`, `-`, `:`, `@`"
            );
            return Err(Error::invalid("id", accepted));
        }
        Ok(Self(text.to_owned()))
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
    /// The owner of the API key that registered it.
    pub owner: String,
    /// `NAME@HOST`, as its jobs show it.
    pub name: String,
    /// Version of its program.
    pub version: String,
    /// The projects whose jobs it takes; at least one.
    pub projects: Vec<ProjectId>,
    /// Takes jobs of these spiders only; empty: of all.
    pub only_spiders: SpiderNames,
    /// Takes jobs that have any of these tags only; empty: all.
    pub has_tags: Tags,
    /// Takes no job that has any of these tags.
    pub lacks_tags: Tags,
    /// Units of all jobs that it runs at the same time; at least 1.
    pub units: u32,
    /// The spiders of its code; `None`: it can't list them.
    pub spiders: Option<SpiderNames>,
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
        if self.units == 0 {
            return Err(Error::invalid("units", "must be at least 1"));
        }
        let spiders = self.spiders.as_ref();
        for (field, items, most) in [
            ("projects", self.projects.len(), MAX_RUNNER_LIST),
            ("only_spiders", self.only_spiders.len(), MAX_RUNNER_LIST),
            ("spiders", spiders.map_or(0, SpiderNames::len), MAX_RUNNER_SPIDERS),
        ] {
            if items > most {
                return Err(Error::too_large(field, format!("of a runner are at most {most}")));
            }
        }
        if spiders.map_or(0, SpiderNames::bytes) > MAX_RUNNER_SPIDERS_BYTES {
            let most = bytes_text(MAX_RUNNER_SPIDERS_BYTES);
            return Err(Error::too_large("spiders", format!("of a runner are at most {most}")));
        }
        Ok(())
    }

    /// About how many bytes a store and a server take for it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        /// What a name takes beside its own bytes.
        const EACH: usize = size_of::<usize>();
        let names = [Some(&self.only_spiders), self.spiders.as_ref()];
        let names = names.into_iter().flatten().map(|names| names.bytes() + names.len() * EACH);
        let tags = self.has_tags.iter().chain(self.lacks_tags.iter());
        self.owner.len()
            + self.name.len()
            + self.version.len()
            + self.projects.len() * EACH
            + tags.map(|tag| tag.as_str().len() + EACH).sum::<usize>()
            + names.sum::<usize>()
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

    fn runner(spiders: SpiderNames) -> Runner {
        Runner {
            owner: "o".to_owned(),
            name: "r@host".to_owned(),
            version: "1".to_owned(),
            projects: vec![ProjectId::parse("1").unwrap()],
            only_spiders: SpiderNames::default(),
            has_tags: Tags::default(),
            lacks_tags: Tags::default(),
            units: 1,
            spiders: Some(spiders),
            started: Millis(0),
        }
    }

    fn spiders(count: usize, bytes: usize) -> SpiderNames {
        SpiderNames::new((0..count).map(|n| SpiderName::parse(&format!("{n:0bytes$}")).unwrap()))
    }

    #[test]
    fn a_runner_has_names_and_bounded_lists() {
        let good = [runner(spiders(MAX_RUNNER_SPIDERS, 19)), runner(SpiderNames::default())];
        assert!(good.iter().all(|runner| runner.check().is_ok()));
        for (bad, says) in [
            (
                Runner { name: String::new(), ..runner(SpiderNames::default()) },
                "name: must be 1 to 320 bytes of text without control characters",
            ),
            (
                Runner { version: "x".repeat(65), ..runner(SpiderNames::default()) },
                "version: must be 1 to 64 bytes of text without control characters",
            ),
            (
                Runner { projects: Vec::new(), ..runner(SpiderNames::default()) },
                "projects: must name at least one",
            ),
            (Runner { units: 0, ..runner(SpiderNames::default()) }, "units: must be at least 1"),
            (
                Runner { only_spiders: spiders(1_001, 4), ..runner(SpiderNames::default()) },
                "only_spiders: of a runner are at most 1000",
            ),
            (runner(spiders(10_001, 5)), "spiders: of a runner are at most 10000"),
            (runner(spiders(9_999, 20)), "spiders: of a runner are at most 192 KiB"),
        ] {
            assert_eq!(bad.check().unwrap_err().to_string(), says);
        }
    }

    #[test]
    fn an_id_has_nothing_that_hides_in_a_text() {
        for good in ["a", "0199-ab", "r@host:1.2_3", &"x".repeat(MAX_RUNNER_ID_BYTES)] {
            assert_eq!(RunnerId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "a\n", "a\u{202e}", "é", &"x".repeat(MAX_RUNNER_ID_BYTES + 1)]
        {
            let says = "id: must be 1 to 64 of A-Z, a-z, 0-9, `.`, `_`, `-`, `:`, `@`";
            assert_eq!(RunnerId::parse(bad).unwrap_err().to_string(), says, "{bad:?}");
        }
    }
}
