//! Which sorted sets a filter reads: those of its tags, else of its spiders, else of its
//! states. The argument of `sets.lua`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::keys::{pending_lanes, spider_field, tag_field};
use spiderq_core::model::{Filter, State};

/// Entries that one page may read over all its sets.
const WINDOW: usize = 800;

/// A filter as `sets.lua` reads it, with the bounds of `page.lua`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct SetsArg {
    owners: Option<Vec<String>>,
    lanes: Vec<String>,
    from: String,
    until: String,
    window: usize,
    share: usize,
}

impl SetsArg {
    /// For a page of `look` entries; `None` where no job can match.
    pub(super) fn new(filter: &Filter, look: usize) -> Option<Self> {
        if filter.states.is_empty() || filter.until.is_some_and(|until| until.0 == 0) {
            return None;
        }
        let tags: BTreeSet<_> = filter.has_tags.iter().collect();
        let spiders: BTreeSet<_> = filter.spiders.iter().collect();
        let owners: Option<Vec<String>> = if !tags.is_empty() {
            Some(tags.iter().map(|tag| tag_field(tag.as_str())).collect())
        } else if !spiders.is_empty() {
            Some(spiders.iter().map(|name| spider_field(name.as_str())).collect())
        } else {
            None
        };
        let by_priority = tags.is_empty();
        Some(Self {
            owners,
            lanes: filter.states.iter().flat_map(|state| lanes(state, by_priority)).collect(),
            from: filter.from.map_or("-inf".to_owned(), |at| at.0.to_string()),
            until: filter.until.map_or("+inf".to_owned(), |at| format!("({}", at.0)),
            window: WINDOW,
            // One more than asked for tells whether there are any below.
            share: look + 1,
        })
    }

    /// Whether these sets hold just the jobs that match, each once.
    pub(super) fn is_exact(filter: &Filter) -> bool {
        let tags: BTreeSet<_> = filter.has_tags.iter().collect();
        filter.lacks_tags.is_empty()
            && (tags.is_empty() || (tags.len() == 1 && filter.spiders.is_empty()))
    }
}

fn lanes(state: State, by_priority: bool) -> Vec<String> {
    match state {
        State::Pending if by_priority => pending_lanes().collect(),
        State::Pending => vec!["p".to_owned()],
        State::Running => vec!["r".to_owned()],
        State::Finished => vec!["f".to_owned()],
        State::Deleted => vec!["d".to_owned()],
    }
}
