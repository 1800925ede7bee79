//! What [`Store::check`](super::Store::check) looks at, and what it tells.

use std::fmt;

use crate::model::{JobKey, ProjectId};

/// What to check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckScope {
    /// These projects; empty: all, and what belongs to no project.
    pub projects: Vec<ProjectId>,
}

impl CheckScope {
    /// Whether `project` is to be checked.
    #[must_use]
    pub fn includes(&self, project: ProjectId) -> bool {
        self.projects.is_empty() || self.projects.contains(&project)
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// What belongs to no project.
    Store,
    /// A project.
    Project(ProjectId),
    /// A job.
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

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// What is wrong; one line.
    pub what: String,
    /// Whether it was mended.
    pub repaired: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.what)?;
        f.write_str(if self.repaired { "; repaired" } else { "" })
    }
}

/// CheckProgress while a check goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckProgress {
    /// Something is wrong.
    Finding(Finding),
    /// Something could not be checked, as the line says; nothing is known to be wrong.
    Unchecked(Subject, String),
    /// So many jobs have been looked at by now.
    Jobs(u64),
}

/// What a check came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckSummary {
    /// Projects looked at.
    pub projects: u64,
    /// Job records looked at.
    pub jobs: u64,
    /// Things that repairs, now or earlier, have set aside; they stay until someone takes
    /// them away.
    pub aside: u64,
}
