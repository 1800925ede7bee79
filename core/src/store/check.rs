//! What [`Store::check`](super::Store::check) looks at, and what it reports.

use std::fmt;

use crate::model::{JobKey, ProjectId};

/// What to check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckScope {
    /// Only these projects; empty: all, and what belongs to no project.
    pub projects: Vec<ProjectId>,
}

impl CheckScope {
    /// Every project is part of a scope that names none.
    #[must_use]
    pub fn includes(&self, project: ProjectId) -> bool {
        self.projects.is_empty() || self.projects.contains(&project)
    }
}

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// What belongs to no project.
    Store,
    /// A project's counts, settings or spiders.
    Project(ProjectId),
    /// A job's record or its index entries.
    Job(JobKey),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str("store"),
            Self::Project(project) => write!(f, "project {project}"),
            Self::Job(key) => key.fmt(f),
        }
    }
}

/// A record that does not agree with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which record.
    pub subject: Subject,
    /// What is wrong; one line.
    pub what: String,
    /// Whether the check repaired it.
    pub repaired: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.what)?;
        f.write_str(if self.repaired { "; repaired" } else { "" })
    }
}

/// What a check reports while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckProgress {
    /// Something is wrong.
    Finding(Finding),
    /// Something could not be checked, as the line says; nothing is known to be wrong.
    Unchecked(Subject, String),
    /// The number of jobs that have been checked so far.
    Jobs(u64),
}

/// What a check reports at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckSummary {
    /// Projects checked.
    pub projects: u64,
    /// Job records checked.
    pub jobs: u64,
    /// Records that repairs, now or earlier, have set aside; they stay until someone removes
    /// them.
    pub set_aside: u64,
}
