//! Which jobs of a project a list or count is about (`docs/contract.md`, 4, count).

use super::{Job, Position, SpiderName, StateSet, Tag};

/// All parts must hold; an empty list of spiders or tags holds for every job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; empty: no job matches.
    pub states: StateSet,
    /// Of one of these spiders.
    pub spiders: Vec<SpiderName>,
    /// With any of these tags.
    pub has_tags: Vec<Tag>,
    /// With none of these tags.
    pub lacks_tags: Vec<Tag>,
    /// At or after this position.
    pub from: Option<Position>,
    /// Before this position.
    pub until: Option<Position>,
}

impl Filter {
    /// Whether `job` is one of them.
    #[must_use]
    pub fn matches(&self, job: &Job) -> bool {
        self.states.contains(job.state)
            && self.from.is_none_or(|from| job.position >= from)
            && self.until.is_none_or(|until| job.position < until)
            && (self.spiders.is_empty() || self.spiders.contains(&job.spider))
            && (self.has_tags.is_empty() || self.has_tags.iter().any(|tag| job.tags.contains(tag)))
            && !self.lacks_tags.iter().any(|tag| job.tags.contains(tag))
    }
}
