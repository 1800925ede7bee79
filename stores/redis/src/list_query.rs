//! Which sorted sets a filter reads: those of its tags, else of its spiders, else of its
//! states. The argument of `lua/lib/list_query.lua`, and how what the sets hold is merged.

use std::{cmp::Reverse, collections::BTreeSet};

use serde::Serialize;
use spiderq_core::{
    error::Result,
    model::{Filter, JobKey, Position, ProjectId, State},
};

use crate::{
    error::bad_reply,
    names::{job_key, lanes, letter, spider_number, tag_number},
};

/// Entries that one page may read over all its sets.
const MAX_ENTRIES: usize = 800;

/// A filter as `list_query.lua` reads it, with the bounds of `page.lua`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ListQuery {
    spiders: Option<Vec<String>>,
    tags: Option<Vec<String>>,
    lanes: Vec<String>,
    from: String,
    until: String,
    window: usize,
    share: usize,
}

impl ListQuery {
    /// For a page of `look` entries; `None` where no job can match.
    pub(crate) fn new(filter: &Filter, look: usize) -> Option<Self> {
        if filter.states.is_empty() || filter.until.is_some_and(|until| until.0 == 0) {
            return None;
        }
        let tags: BTreeSet<_> = filter.index_tags().iter().map(|tag| tag.as_str()).collect();
        let spiders: BTreeSet<_> = filter.spiders.iter().map(|name| name.as_str()).collect();
        let some = |fields: Vec<String>| (!fields.is_empty()).then_some(fields);
        let tags = some(tags.into_iter().map(tag_number).collect());
        let lanes_of = |state: State| match tags {
            Some(_) => vec![letter(state).to_owned()],
            None => lanes(state),
        };
        Some(Self {
            lanes: filter.states.iter().flat_map(lanes_of).collect(),
            spiders: some(spiders.into_iter().map(spider_number).collect()),
            tags,
            from: filter.from.map_or("-inf".to_owned(), |at| at.0.to_string()),
            until: filter.until.map_or("+inf".to_owned(), |at| format!("({}", at.0)),
            window: MAX_ENTRIES,
            // One more than asked for tells whether there are any below.
            share: look + 1,
        })
    }

    /// Whether these sets hold just the jobs that match, each once.
    pub(crate) fn is_exact(filter: &Filter) -> bool {
        let tags: BTreeSet<_> = filter.has_tags.iter().collect();
        filter.lacks_tags.is_empty()
            && !filter.looks_into_jobs()
            && (tags.is_empty() || (tags.len() == 1 && filter.spiders.is_empty()))
    }
}

/// A member of a sorted set.
pub(crate) type Candidate = (Position, JobKey);

/// Candidates of a filter, highest first, and whether there are more below.
#[derive(Default)]
pub(crate) struct Candidates {
    pub(crate) list: Vec<Candidate>,
    pub(crate) more: bool,
}

/// A set's members and positions in turn.
pub(crate) fn candidates(project: ProjectId, flat: &[String]) -> Result<Vec<Candidate>> {
    let bad = || bad_reply("a member without a position");
    let candidate = |pair: &[String]| {
        let [member, position] = pair else {
            return Err(bad());
        };
        let position = position.parse().map_err(|_| bad())?;
        Ok((Position(position), job_key(project, member)?))
    };
    flat.chunks(2).map(candidate).collect()
}

/// The first `look` of several sets, of which each gave `share` at most. Below the end of a list
/// that was cut off there, the others cannot be merged with it.
pub(crate) fn merge(lists: Vec<Vec<Candidate>>, share: usize, look: usize) -> Candidates {
    let cut = lists
        .iter()
        .filter(|list| list.len() >= share)
        .filter_map(|list| list.last())
        .map(|(position, _)| *position)
        .max();
    let mut list: Vec<Candidate> = lists.into_iter().flatten().collect();
    list.sort_by_key(|(position, _)| Reverse(*position));
    list.dedup();
    if let Some(cut) = cut {
        list.retain(|(position, _)| *position >= cut);
    }
    let more = cut.is_some() || list.len() > look;
    list.truncate(look);
    Candidates { list, more }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(positions: &[u64]) -> Vec<Candidate> {
        let key = |n: u64| JobKey::parse(&format!("1/1/{n}")).unwrap();
        positions.iter().map(|n| (Position(*n), key(*n))).collect()
    }

    #[test]
    fn a_merge_ends_where_a_list_was_cut_off() {
        let merged = merge(vec![list(&[9, 7]), list(&[8, 3]), list(&[5])], 2, 10);
        assert_eq!(merged.list, list(&[9, 8, 7]));
        assert!(merged.more);
    }

    #[test]
    fn a_job_in_two_lists_counts_once() {
        let merged = merge(vec![list(&[9, 7]), list(&[9, 8])], 5, 10);
        assert_eq!(merged.list, list(&[9, 8, 7]));
        assert!(!merged.more);
    }
}
