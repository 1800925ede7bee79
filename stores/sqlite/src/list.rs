//! Lists: reads that follow an index, never a scan or a sort of a project.
//!
//! A page is merged from streams, each a range of one index from the last position down: one per
//! state, or per state and spider, or per state and tag. What the streams do not decide is
//! checked job by job, for at most [`MAX_SCANNED`] jobs a call, and as much as fills a [`PageRoom`].

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row, ToSql, named_params, types::Value};
use spiderq_core::{
    model::{FieldSelection, Filter, Position, ProjectId, State, Tag},
    store::{Page, PageRoom},
};

use crate::{
    error::Result,
    job_row::{self, JobRow, int, state_index},
    projects::find_spider,
};

/// Jobs that one call looks at, at most, when its filter hides some.
const MAX_SCANNED: usize = 500;

/// The part of a filter that every statement is asked with.
pub(crate) struct Bounds {
    pub(crate) project: i64,
    /// First position.
    pub(crate) from: i64,
    /// The position after the last.
    pub(crate) until: i64,
}

impl Bounds {
    pub(crate) fn of(project: ProjectId, filter: &Filter) -> Self {
        let bound = |position: Position| i64::try_from(position.0).unwrap_or(i64::MAX);
        Self {
            project: int(project.get()),
            from: filter.from.map_or(0, bound),
            until: filter.until.map_or(i64::MAX, bound),
        }
    }
}

/// Rows of jobs that may match, by position.
struct Candidates {
    rows: BTreeMap<i64, i64>,
    /// The position down to which none is missing; 0 when all are there.
    horizon: i64,
}

/// Up to `limit` jobs that match.
pub(crate) fn page(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
    limit: usize,
    fields: &FieldSelection,
) -> Result<Page> {
    let read = filter.fields_read(fields);
    let Candidates { rows, horizon } = candidates(connection, project, filter, limit)?;
    let mut page = Page { jobs: Vec::with_capacity(limit.min(rows.len())), next: None };
    let (mut last, mut room, mut has_room) = (None, PageRoom::default(), true);
    let within = rows.into_iter().rev().take_while(|(position, _)| *position >= horizon);
    for (scanned, (position, id)) in within.enumerate() {
        if page.jobs.len() == limit || scanned == MAX_SCANNED || !has_room {
            page.next = last;
            return Ok(page);
        }
        let mut job = JobRow::by_id(connection, id, &read)?.stored.job;
        has_room = room.take(job.memory());
        if filter.matches(&job) {
            job.metadata.retain(|name| fields.includes(name));
            page.jobs.push(job);
        }
        last = Some(Position(position.cast_unsigned()));
    }
    page.next = (horizon > 0).then_some(Position(horizon.cast_unsigned()));
    Ok(page)
}

fn candidates(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
    limit: usize,
) -> Result<Candidates> {
    let bounds = Bounds::of(project, filter);
    let decided = filter.lacks_tags.is_empty()
        && (filter.has_tags.is_empty() || filter.spiders.is_empty())
        && !filter.looks_into_jobs();
    // One more than the page takes tells whether there is more.
    let chunk = if decided { limit + 1 } else { MAX_SCANNED };
    let (sql, keys) = streams(connection, project, filter)?;
    let (mut rows, mut horizon) = (BTreeMap::new(), 0);
    for state in filter.states.iter() {
        for key in &keys {
            let stream = stream(connection, sql, &bounds, state, chunk, key.as_ref())?;
            if let Some((position, _)) = stream.last()
                && stream.len() == chunk
            {
                horizon = horizon.max(*position);
            }
            rows.extend(stream);
        }
    }
    Ok(Candidates { rows, horizon })
}

/// The statement that reads the streams of a filter, and the key of each: a tag, a spider, or
/// none.
fn streams(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
) -> Result<(&'static str, Vec<Option<Value>>)> {
    let tags: BTreeSet<&str> = filter.index_tags().iter().map(Tag::as_str).collect();
    if !tags.is_empty() {
        let keys = tags.into_iter().map(|tag| Some(tag.to_owned().into()));
        return Ok((include_str!("sql/list_by_tag.sql"), keys.collect()));
    }
    Ok(match spiders(connection, project, filter)? {
        None => (include_str!("sql/list_by_state.sql"), vec![None]),
        Some(spiders) => {
            let keys = spiders.into_iter().map(|spider| Some(spider.into()));
            (include_str!("sql/list_by_spider.sql"), keys.collect())
        }
    })
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
    let (state, limit) = (state_index(state), job_row::limit(chunk));
    let common: &[(&str, &dyn ToSql)] = named_params! {
        ":project": bounds.project,
        ":from": bounds.from,
        ":until": bounds.until,
        ":state": state,
        ":limit": limit,
    };
    let mut parameters = common.to_vec();
    if let Some(key) = key {
        parameters.push((":key", key));
    }
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(statement.query_map(&*parameters, read)?.collect::<rusqlite::Result<_>>()?)
}

/// The numbers of the spiders asked for, of those that have one; `None`: all spiders.
pub(crate) fn spiders(
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
