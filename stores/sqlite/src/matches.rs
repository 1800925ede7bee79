//! Which jobs match a filter, as one statement that reads indexes alone: streams of positions, each
//! a range of one index from the last position down, merged in that order. The drive of a plan is
//! the streams; the rest of the filter is looked up in `job_tags`, entry by entry. Only what no
//! index knows ([`Filter::looks_into_jobs`](spiderq_core::model::Filter::looks_into_jobs)) is left
//! to a look at the jobs.

use std::{fmt::Write as _, ops::Range};

use rusqlite::{Connection, Row, ToSql};
use spiderq_core::{
    limits::MAX_FILTER_NAMES,
    model::{ProjectId, State},
    query::{Drive, Group, Texts, Wanted},
};

use crate::{
    error::Result,
    job_blocks,
    job_row::{int, limit, state_index},
    projects::find_spider,
};

/// Entries that one call goes over: first a few, since most lists are dense, then the rest.
const WINDOWS: [usize; 2] = [2_000, 50_000];

/// Streams that SQLite takes in one statement. A filter has one for each state and name.
const MAX_STREAMS: usize = 500;
const _: () = assert!(MAX_FILTER_NAMES * State::ALL.len() <= MAX_STREAMS);

/// The bounds of every stream.
const BOUNDS: &str = "AND position >= :from AND position < :until";

/// A filter as a statement takes it.
pub(crate) struct Matches {
    drive: Drive,
    project: i64,
    from: i64,
    until: i64,
    states: Vec<i64>,
    /// Numbers of the spiders; empty: all, or that none has a number.
    spiders: Vec<i64>,
    /// What is driven by, and what is left to be looked up.
    any: Vec<String>,
    rest: Wanted,
    /// How many match, where counts tell: a read ends with the last of them.
    total: Option<u64>,
}

/// A part of what matches.
#[derive(Debug)]
pub(crate) struct Part {
    /// Position and row of each job, highest position first.
    pub(crate) jobs: Vec<(i64, i64)>,
    /// Where the rest begins (its `until`); `None` at the end.
    pub(crate) next: Option<i64>,
}

impl Matches {
    pub(crate) fn new(
        connection: &Connection,
        project: ProjectId,
        wanted: &Wanted,
        drive: Drive,
    ) -> Result<Self> {
        let bound = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
        Ok(Self {
            project: int(project.get()),
            from: bound(wanted.from),
            until: bound(wanted.until),
            states: wanted.states.iter().map(state_index).collect(),
            spiders: spider_numbers(connection, project, wanted)?,
            any: texts(&wanted.any),
            rest: wanted.rest(&drive),
            drive,
            total: None,
        })
    }

    /// The same; so many match in all.
    pub(crate) fn with_total(self, total: Option<u64>) -> Self {
        Self { total, ..self }
    }

    /// The next jobs that match: up to `most` of them, as far as one call goes.
    pub(crate) fn part(&self, connection: &Connection, most: usize) -> Result<Part> {
        let total = self.total.and_then(|total| usize::try_from(total).ok());
        // One more than asked for tells whether there is more.
        let wanted = total.unwrap_or(usize::MAX).min(most.saturating_add(1));
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let mut jobs: Vec<(i64, i64)> = Vec::new();
        let mut until = self.until;
        for window in self.windows() {
            let floor = self.floor(connection, until, window)?;
            let sql = format!(
                "SELECT position, id FROM ({}) ORDER BY position DESC LIMIT {}",
                self.streams(true),
                limit(wanted - jobs.len()),
            );
            jobs.extend(self.rows(connection, &sql, floor.unwrap_or(self.from), until, read)?);
            if jobs.len() > most {
                jobs.truncate(most);
                let next = jobs.last().map(|(position, _)| *position);
                return Ok(Part { jobs, next });
            }
            if Some(jobs.len()) == total {
                return Ok(Part { jobs, next: None });
            }
            let Some(floor) = floor else { return Ok(Part { jobs, next: None }) };
            until = floor;
        }
        Ok(Part { jobs, next: Some(until) })
    }

    /// Passes up to `most` jobs: how many, and where the rest begins; `None` at the end.
    pub(crate) fn skip(&self, connection: &Connection, most: u64) -> Result<(u64, Option<i64>)> {
        let total = self.total.unwrap_or(u64::MAX);
        let wanted = i64::try_from(most.min(total)).unwrap_or(i64::MAX);
        if let (true, Drive::One(Group::States), [state]) =
            (self.is_dense(), &self.drive, &self.states[..])
        {
            let range = self.from..self.until;
            let (jobs, last) = job_blocks::skip(connection, self.project, *state, range, wanted)?;
            let jobs = jobs.cast_unsigned();
            return Ok((jobs, last.filter(|_| jobs < total)));
        }
        let sql = format!(
            "SELECT COUNT(*), MIN(position) FROM \
             (SELECT position FROM ({}) ORDER BY position DESC LIMIT {wanted})",
            self.streams(true),
        );
        let [.., window] = WINDOWS;
        let floor = self.floor(connection, self.until, window)?;
        let from = floor.unwrap_or(self.from);
        let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?));
        let found = self.rows(connection, &sql, from, self.until, read)?.pop();
        let (jobs, last) = found.unwrap_or((0, None));
        let next = match jobs {
            _ if jobs.cast_unsigned() == total => None,
            _ if jobs == wanted => last,
            _ => floor,
        };
        Ok((jobs.cast_unsigned(), next))
    }

    /// How many entries the streams have, up to `most`.
    pub(crate) fn entries(&self, connection: &Connection, most: Option<usize>) -> Result<u64> {
        let most = most.map_or(String::new(), |most| format!(" LIMIT {most}"));
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM ({}){most})", self.streams(false));
        let counted = self.rows(connection, &sql, self.from, self.until, |row| row.get(0))?;
        let entries: i64 = counted.first().copied().unwrap_or(0);
        Ok(entries.cast_unsigned())
    }

    /// Where nothing is looked up, each entry matches, and no more are read than are asked for.
    fn windows(&self) -> impl Iterator<Item = Option<usize>> {
        let is_dense = self.is_dense();
        let windows = WINDOWS.into_iter().map(Some);
        std::iter::once(None).filter(move |_| is_dense).chain(windows.filter(move |_| !is_dense))
    }

    /// Whether nothing is looked up.
    fn is_dense(&self) -> bool {
        let rest = &self.rest;
        [&rest.spiders, &rest.any, &rest.all, &rest.lacks].into_iter().all(Texts::is_empty)
    }

    /// The position down to which `window` entries go; `None`: to the end.
    fn floor(
        &self,
        connection: &Connection,
        until: i64,
        window: impl Into<Option<usize>>,
    ) -> Result<Option<i64>> {
        let Some(window) = window.into() else { return Ok(None) };
        let sql = format!(
            "SELECT position FROM ({}) ORDER BY position DESC LIMIT 1 OFFSET {}",
            self.streams(false),
            window - 1,
        );
        Ok(self.rows(connection, &sql, self.from, until, |row| row.get(0))?.pop())
    }

    /// Positions and rows of the drive's entries, one stream after the other; with `all_of_it` of
    /// those alone that match the rest of the filter too.
    pub(crate) fn streams(&self, all_of_it: bool) -> String {
        let mut streams = Vec::new();
        for state in &self.states {
            let rest = if all_of_it { self.looks(*state) } else { String::new() };
            let of_jobs = |index: &str, of: &str| {
                format!(
                    "SELECT position, id FROM jobs AS one INDEXED BY {index} \
                     WHERE project = :project{of} AND state = {state} {BOUNDS}{rest}"
                )
            };
            let of_tag = |parameter: &str, more: &str| {
                format!(
                    "SELECT position, id FROM job_tags AS one WHERE project = :project \
                     AND tag = {parameter} AND state = {state} {BOUNDS}{rest}{more}"
                )
            };
            match &self.drive {
                Drive::One(Group::States) => streams.push(of_jobs("jobs_by_state", "")),
                Drive::One(Group::Spiders) => {
                    let of = |spider| of_jobs("jobs_by_spider", &format!(" AND spider = {spider}"));
                    streams.extend(self.spiders.iter().map(of));
                }
                Drive::One(Group::Tag(_)) => streams.push(of_tag(":drive", "")),
                // A job with several of the tags is in several streams: the first one has it.
                Drive::Any => {
                    let before = |tag| look(*state, "NOT ", "any", 0..tag);
                    let of = |tag| of_tag(&format!(":any{tag}"), &before(tag));
                    streams.extend((0..self.any.len()).map(of));
                }
            }
        }
        if streams.is_empty() {
            return "SELECT 0 AS position, 0 AS id WHERE 0".to_owned();
        }
        streams.join(" UNION ALL ")
    }

    /// What the streams leave open, as looks at `job_tags` by its key.
    fn looks(&self, state: i64) -> String {
        let (rest, mut looks) = (&self.rest, String::new());
        if !rest.spiders.is_empty() {
            let numbers: Vec<String> = self.spiders.iter().map(i64::to_string).collect();
            let _ = write!(looks, " AND spider IN ({})", numbers.join(", "));
        }
        if !rest.all.is_empty() {
            let found = found(state, "all", 0..rest.all.len());
            let _ = write!(looks, " AND (SELECT COUNT(*) {found}) = {}", rest.all.len());
        }
        looks.push_str(&look(state, "", "any", 0..rest.any.len()));
        looks.push_str(&look(state, "NOT ", "lacks", 0..rest.lacks.len()));
        looks
    }

    /// The rows of a statement, which may name each parameter of the filter.
    fn rows<T>(
        &self,
        connection: &Connection,
        sql: &str,
        from: i64,
        until: i64,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut bind = |name: &str, value: &dyn ToSql| match statement.parameter_index(name)? {
            Some(index) => statement.raw_bind_parameter(index, value),
            None => Ok(()),
        };
        for (name, value) in [(":project", self.project), (":from", from), (":until", until)] {
            bind(name, &value)?;
        }
        if let Drive::One(Group::Tag(tag)) = &self.drive {
            bind(":drive", tag)?;
        }
        let (all, lacks) = (texts(&self.rest.all), texts(&self.rest.lacks));
        for (kind, tags) in [("any", &self.any), ("all", &all), ("lacks", &lacks)] {
            for (tag, text) in tags.iter().enumerate() {
                bind(&format!(":{kind}{tag}"), text)?;
            }
        }
        let rows = statement.raw_query().mapped(read).collect::<rusqlite::Result<_>>();
        Ok(rows?)
    }
}

/// Whether an entry has, or with `not` has none, of the tags of these parameters, if there are any.
fn look(state: i64, not: &str, kind: &str, tags: Range<usize>) -> String {
    if tags.is_empty() {
        return String::new();
    }
    format!(" AND {not}EXISTS (SELECT 1 {})", found(state, kind, tags))
}

/// The rows of those of the tags that an entry has.
fn found(state: i64, kind: &str, tags: Range<usize>) -> String {
    let names: Vec<String> = tags.map(|tag| format!(":{kind}{tag}")).collect();
    format!(
        "FROM job_tags WHERE project = :project AND tag IN ({}) AND state = {state} \
         AND position = one.position",
        names.join(", ")
    )
}

fn texts(texts: &Texts) -> Vec<String> {
    texts.iter().cloned().collect()
}

/// The numbers of the spiders that are wanted, of those that have one.
pub(crate) fn spider_numbers(
    connection: &Connection,
    project: ProjectId,
    wanted: &Wanted,
) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    for name in &wanted.spiders {
        let spider = find_spider(connection, project, name)?;
        numbers.extend(spider.map(|spider| int(spider.get())));
    }
    Ok(numbers)
}
