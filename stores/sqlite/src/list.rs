//! Lists: reads that follow an index, never a scan or a sort of a project (`matches.rs`). What no
//! index knows is checked job by job, for at most [`MAX_SCANNED`] jobs a call, and as much as fills
//! a [`PageRoom`].

use rusqlite::Connection;
use spiderq_core::{
    error::Error,
    model::{FieldSelection, Filter, Position, ProjectId},
    query::{Sizes, Walk, Wanted},
    store::{Page, PageRoom, Skipped},
};

use crate::{
    count,
    error::{Result, StepError},
    job_row::RowReader,
    matches::Matches,
};

/// Jobs that one call looks at, at most, when its filter hides some.
const MAX_SCANNED: usize = 500;
/// Entries up to which groups are counted, to choose the smallest.
const MAX_COUNTED: usize = 5_000;

/// Up to `limit` jobs that match.
pub(crate) fn page(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
    limit: usize,
    fields: &FieldSelection,
) -> Result<Page> {
    let read = filter.fields_read(fields);
    let mut page = Page { jobs: Vec::new(), next: None };
    let Some(matches) = matches(connection, project, filter)? else { return Ok(page) };
    let most = if filter.looks_into_jobs() { MAX_SCANNED } else { limit };
    let part = matches.part(connection, most)?;
    let mut rows = RowReader::new(connection, &read)?;
    let (mut last, mut room, mut has_room) = (None, PageRoom::default(), true);
    for (position, id) in part.jobs {
        if page.jobs.len() == limit || !has_room {
            page.next = last;
            return Ok(page);
        }
        let mut job = match rows.read(id) {
            Ok(row) => row.stored.job,
            // The jobs before it come first, and then the error.
            Err(StepError::Store(Error::JobDamaged { .. })) if last.is_some() => {
                page.next = last;
                return Ok(page);
            }
            Err(error) => return Err(error),
        };
        has_room = room.take(job.memory());
        if filter.matches(&job) {
            job.metadata.retain(|name| fields.includes(name));
            page.jobs.push(job);
        }
        last = Some(place(position));
    }
    page.next = part.next.map(place);
    Ok(page)
}

/// Passes up to `most` jobs of a filter that indexes decide.
pub(crate) fn skip(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
    most: u64,
) -> Result<Skipped> {
    let Some(matches) = matches(connection, project, filter)? else {
        return Ok(Skipped { jobs: 0, next: None });
    };
    let (jobs, next) = matches.skip(connection, most)?;
    Ok(Skipped { jobs, next: next.map(place) })
}

/// How many match, at the entries that one call goes over; and the rest of the walk.
pub(crate) fn count(
    connection: &Connection,
    project: ProjectId,
    walk: &Walk,
) -> Result<(i64, Option<Walk>)> {
    let matches = Matches::new(connection, project, &walk.wanted, walk.drive.clone())?;
    let (jobs, next) = matches.skip(connection, u64::MAX)?;
    let rest = next.map(|next| {
        let wanted = Wanted { until: next.cast_unsigned(), ..walk.wanted.clone() };
        Walk { wanted, drive: walk.drive.clone() }
    });
    Ok((jobs.cast_signed(), rest))
}

/// How a filter is read; `None` where no job can match, as far as counts tell.
fn matches(
    connection: &Connection,
    project: ProjectId,
    filter: &Filter,
) -> Result<Option<Matches>> {
    let Some(wanted) = Wanted::new(filter) else { return Ok(None) };
    let total = if wanted.is_bounded() {
        None
    } else {
        count::plan(connection, project, wanted.clone())?.total()
    };
    if total == Some(0) {
        return Ok(None);
    }
    let choice = Walk::choice(&wanted);
    let sizes = if choice.is_empty() {
        Sizes::default()
    } else {
        count::sizes(connection, project, &wanted, choice, Some(MAX_COUNTED))?
    };
    let Walk { wanted, drive } = Walk::new(wanted, &sizes);
    Ok(Some(Matches::new(connection, project, &wanted, drive)?.with_total(total)))
}

const fn place(position: i64) -> Position {
    Position(position.cast_unsigned())
}
