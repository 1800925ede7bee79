//! Lists: reads that follow an index, never a scan or a sort of a project.
//!
//! A list is merged from streams, each a range of one index from the last position down:
//! one per state, or per state and spider, or per state and tag. What the streams do not
//! decide is checked job by job, for at most [`SCAN`] jobs a call.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use rusqlite::{Connection, params, types::Value};

use super::{
    project::find_spider,
    row::{self, StoredJob, int, state_index},
};
use spiderq_core::{
    model::{FieldSelection, Filter, Position, ProjectId, State},
    store::Page,
};

/// Most jobs that one call looks at when its filter hides some.
const SCAN: usize = 500;

/// The part of a filter that every statement is asked with.
pub(super) struct Bounds {
    /// The project.
    pub(super) project: i64,
    /// First position.
    pub(super) from: i64,
    /// The position after the last.
    pub(super) until: i64,
}

impl Bounds {
    /// Of this filter.
    pub(super) fn of(project: ProjectId, filter: &Filter) -> Self {
        let bound = |position: Position| i64::try_from(position.0).unwrap_or(i64::MAX);
        Self {
            project: int(project.get()),
            from: filter.from.map_or(0, bound),
            until: filter.until.map_or(i64::MAX, bound),
        }
    }
}

/// Up to `limit` jobs that match.
pub(super) fn page(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
    limit: usize,
    fields: &FieldSelection,
) -> Result<Page> {
    let (candidates, horizon) = candidates(connection, project, filter, limit)?;
    let mut page = Page { jobs: Vec::with_capacity(limit.min(candidates.len())), next: None };
    let mut last = None;
    let within = candidates.into_iter().rev();
    for (looked, (position, id)) in within.take_while(|(at, _)| *at >= horizon).enumerate() {
        if page.jobs.len() == limit || looked == SCAN {
            page.next = last;
            return Ok(page);
        }
        let stored = StoredJob::by_id(connection, id, fields)?;
        if filter.matches(&stored.job) {
            page.jobs.push(stored.job);
        }
        last = Some(Position(position.cast_unsigned()));
    }
    page.next = (horizon > 0).then_some(Position(horizon.cast_unsigned()));
    Ok(page)
}

/// Rows by position, and the position down to which none is missing: 0 when all are there.
fn candidates(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
    limit: usize,
) -> Result<(BTreeMap<i64, i64>, i64)> {
    let bounds = Bounds::of(project, filter);
    let spiders = spiders(connection, project, filter)?;
    let decided =
        filter.lacks_tags.is_empty() && (filter.has_tags.is_empty() || filter.spiders.is_empty());
    // One more than the page takes tells whether there is more.
    let chunk = if decided { limit + 1 } else { SCAN };
    let (sql, keys): (_, Vec<Option<Value>>) = if !filter.has_tags.is_empty() {
        let tags: BTreeSet<&str> = filter.has_tags.iter().map(|tag| tag.as_str()).collect();
        let keys = tags.into_iter().map(|tag| Some(tag.to_owned().into()));
        (include_str!("sql/page_by_tag.sql"), keys.collect())
    } else if let Some(spiders) = spiders {
        let keys = spiders.into_iter().map(|spider| Some(spider.into()));
        (include_str!("sql/page_by_spider.sql"), keys.collect())
    } else {
        (include_str!("sql/page_by_state.sql"), vec![None])
    };
    let (mut found, mut horizon) = (BTreeMap::new(), 0);
    for state in filter.states.iter() {
        for key in &keys {
            let rows = stream(connection, sql, &bounds, state, chunk, key.as_ref())?;
            if let Some((position, _)) = rows.last()
                && rows.len() == chunk
            {
                horizon = horizon.max(*position);
            }
            found.extend(rows);
        }
    }
    Ok((found, horizon))
}

/// Position and row of up to `chunk` jobs of one stream.
fn stream(
    connection: &Connection,
    sql: &str,
    bounds: &Bounds,
    state: State,
    chunk: usize,
    key: Option<&Value>,
) -> Result<Vec<(i64, i64)>> {
    let mut statement = connection.prepare_cached(sql)?;
    let (project, from, until) = (bounds.project, bounds.from, bounds.until);
    let (state, limit) = (state_index(state), row::limit(chunk));
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let rows: rusqlite::Result<_> = match key {
        Some(key) => {
            statement.query_map(params![project, state, from, until, limit, key], read)?.collect()
        }
        None => statement.query_map(params![project, state, from, until, limit], read)?.collect(),
    };
    Ok(rows?)
}

/// The numbers of the spiders asked for, of those that have one; `None`: all spiders.
pub(super) fn spiders(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
) -> Result<Option<BTreeSet<i64>>> {
    if filter.spiders.is_empty() {
        return Ok(None);
    }
    let mut numbers = BTreeSet::new();
    for name in &filter.spiders {
        let spider = find_spider(connection, project, name)?;
        numbers.extend(spider.map(|spider| int(spider.get())));
    }
    Ok(Some(numbers))
}
