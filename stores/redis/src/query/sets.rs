//! The sorted sets that a script reads, and what it looks up for each of their entries: as
//! `lua/lib/job_sets.lua` and `lua/lib/matches.lua` take them.

use serde::Serialize;
use spiderq_core::{
    model::StateSet,
    query::{Drive, Group, Texts, Wanted},
};

use crate::names::{lanes, letter, spider_number, tag_number};

/// Those of all jobs in some states, or of their spiders, or of their tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sets {
    spiders: Option<Vec<String>>,
    tags: Option<Vec<String>>,
    lanes: Vec<String>,
}

impl Sets {
    pub(super) fn of(wanted: &Wanted, group: &Group) -> Self {
        match group {
            Group::States => Self::of_states(wanted.states),
            Group::Spiders => {
                let spiders = Some(spider_fields(&wanted.spiders));
                Self { spiders, ..Self::of_states(wanted.states) }
            }
            Group::Tag(tag) => Self::of_tags(wanted.states, [tag]),
        }
    }

    pub(super) fn driven(wanted: &Wanted, drive: &Drive) -> Self {
        match drive {
            Drive::One(group) => Self::of(wanted, group),
            Drive::Any => Self::of_tags(wanted.states, &wanted.any),
        }
    }

    /// How many they are.
    pub(super) fn len(&self) -> usize {
        let owners = [&self.spiders, &self.tags].into_iter().flatten().map(Vec::len);
        self.lanes.len() * owners.sum::<usize>().max(1)
    }

    fn of_states(states: StateSet) -> Self {
        Self { spiders: None, tags: None, lanes: states.iter().flat_map(lanes).collect() }
    }

    fn of_tags<'a>(states: StateSet, tags: impl IntoIterator<Item = &'a String>) -> Self {
        let lanes = states.iter().map(|state| letter(state).to_owned()).collect();
        Self { spiders: None, tags: Some(tag_fields(tags)), lanes }
    }
}

/// What each entry must be beside being in a set. Nothing is wanted of what is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Rest {
    spiders: Vec<String>,
    any: Vec<String>,
    all: Vec<String>,
    lacks: Vec<String>,
}

impl Rest {
    pub(super) fn of(wanted: &Wanted) -> Self {
        Self {
            spiders: spider_fields(&wanted.spiders),
            any: tag_fields(&wanted.any),
            all: tag_fields(&wanted.all),
            lacks: tag_fields(&wanted.lacks),
        }
    }
}

fn tag_fields<'a>(tags: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    tags.into_iter().map(|tag| tag_number(tag)).collect()
}

fn spider_fields(spiders: &Texts) -> Vec<String> {
    spiders.iter().map(|spider| spider_number(spider)).collect()
}
