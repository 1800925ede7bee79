//! A filter in its simplest form: the part of it that indexes decide.

use std::{collections::BTreeSet, fmt};

use crate::model::{Filter, SpiderName, StateSet, Tag};

/// Positions are below it: numbers are exact up to it everywhere.
const MAX_POSITION: u64 = 1 << 53;

/// Names of tags or of spiders.
pub type Texts = BTreeSet<String>;

/// What indexes decide of a filter. No tag stands twice: one of `any` is never alone, nor in `all`
/// or `lacks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// In one of these; never empty.
    pub states: StateSet,
    /// Of one of these; empty: all.
    pub spiders: Texts,
    /// With any of these tags; empty: no matter which.
    pub any: Texts,
    /// With all of these tags.
    pub all: Texts,
    /// With none of these tags.
    pub lacks: Texts,
    /// First position.
    pub from: u64,
    /// The position after the last.
    pub until: u64,
}

/// Ranges of an index that belong together; the planner asks how many entries they have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// All jobs in the states.
    States,
    /// Those of the spiders.
    Spiders,
    /// Those with the tag.
    Tag(String),
}

/// The ranges that are gone over; every job that matches is in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drive {
    /// One group.
    One(Group),
    /// Those of the tags of [`Wanted::any`]; a job may be in several.
    Any,
}

impl Wanted {
    /// `None` where no job can match.
    #[must_use]
    pub fn new(filter: &Filter) -> Option<Self> {
        let tags = |tags: &[Tag]| tags.iter().map(|tag| tag.as_str().to_owned()).collect();
        let spiders = filter.spiders.iter().map(SpiderName::as_str).map(str::to_owned).collect();
        let wanted = Self {
            states: filter.states,
            spiders,
            any: tags(&filter.has_tags),
            all: tags(&filter.has_all_tags),
            lacks: tags(&filter.lacks_tags),
            from: filter.from.map_or(0, |from| from.0),
            until: filter.until.map_or(MAX_POSITION, |until| until.0.min(MAX_POSITION)),
        };
        wanted.simplest()
    }

    /// Whether positions bound it.
    #[must_use]
    pub const fn is_bounded(&self) -> bool {
        self.from > 0 || self.until < MAX_POSITION
    }

    pub(super) fn simplest(mut self) -> Option<Self> {
        if self.states.is_empty() || self.from >= self.until {
            return None;
        }
        if !self.any.is_empty() {
            if self.any.is_disjoint(&self.all) {
                self.any = &self.any - &self.lacks;
                if self.any.is_empty() {
                    return None;
                }
            } else {
                self.any.clear();
            }
            if self.any.len() == 1 {
                self.all.append(&mut self.any);
            }
        }
        self.all.is_disjoint(&self.lacks).then_some(self)
    }

    pub(super) fn drives(&self) -> Vec<Drive> {
        let spiders = (!self.spiders.is_empty()).then_some(Drive::One(Group::Spiders));
        let any = (!self.any.is_empty()).then_some(Drive::Any);
        let tags = self.all.iter().map(|tag| Drive::One(Group::Tag(tag.clone())));
        let drives: Vec<_> = spiders.into_iter().chain(any).chain(tags).collect();
        if drives.is_empty() { vec![Drive::One(Group::States)] } else { drives }
    }

    /// All groups that the filter names.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let of_jobs = if self.spiders.is_empty() { Group::States } else { Group::Spiders };
        let tags = self.any.iter().chain(&self.all).chain(&self.lacks);
        std::iter::once(of_jobs).chain(tags.map(|tag| Group::Tag(tag.clone()))).collect()
    }

    /// What the ranges of a drive leave open, with the same bounds.
    #[must_use]
    pub fn rest(&self, drive: &Drive) -> Self {
        let mut rest = self.clone();
        match drive {
            Drive::One(Group::States) => {}
            Drive::One(Group::Spiders) => rest.spiders.clear(),
            Drive::One(Group::Tag(tag)) => {
                rest.all.remove(tag);
            }
            Drive::Any => rest.any.clear(),
        }
        rest
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("jobs")?;
        let parts = [
            ("of", &self.spiders),
            ("with any of", &self.any),
            ("with", &self.all),
            ("without", &self.lacks),
        ];
        for (word, texts) in parts.into_iter().filter(|(_, texts)| !texts.is_empty()) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            write!(f, " {word} {}", texts.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Drive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(Group::States) => f.write_str("states"),
            Self::One(Group::Spiders) => f.write_str("spiders"),
            Self::One(Group::Tag(tag)) => write!(f, "tag {tag}"),
            Self::Any => f.write_str("any tag"),
        }
    }
}
