//! The jobs of a state in blocks of a few thousand, in the order of their positions: how many jobs
//! are in each is kept by every step that writes jobs, so that the n-th job of a long list is found
//! by sums, and by a walk through one block.

use std::{collections::BTreeMap, ops::Range};

use rusqlite::{Connection, Row, params};
use spiderq_core::model::{Position, ProjectId, State};

use crate::{
    error::Result,
    job_row::{first, int, state_index},
};

/// A block that has twice as many jobs is split. What a migration makes of older files has as many.
pub(crate) const BLOCK: i64 = 4_096;

/// The jobs that a step brings to positions of a state, or takes away, to be saved at its end.
#[derive(Debug, Default)]
pub(crate) struct BlockChanges(BTreeMap<(i64, i64), i64>);

impl BlockChanges {
    /// Counts a job in, with 1, or out, with -1.
    pub(crate) fn add(&mut self, state: State, position: Position, sign: i64) {
        *self.0.entry((state_index(state), int(position.0))).or_default() += sign;
    }

    /// Writes them to the blocks of a project. The step has written the jobs already.
    pub(crate) fn save(&self, connection: &Connection, project: ProjectId) -> Result<()> {
        let mut changes = self.0.iter().filter(|(_, by)| **by != 0).peekable();
        while let Some((&(state, position), &by)) = changes.next() {
            let blocks = Blocks { connection, project: int(project.get()), state };
            let mut sum = by;
            // Those of the same block are one change of it.
            let is_last = changes.peek().is_none_or(|((other, _), _)| *other != state);
            let end = if is_last { None } else { blocks.end_after(position)? };
            let is_here = |at: &(i64, i64)| at.0 == state && end.is_none_or(|end| at.1 < end);
            while let Some((_, by)) = changes.next_if(|(at, _)| is_here(at)) {
                sum += by;
            }
            blocks.change(position, sum)?;
        }
        Ok(())
    }
}

/// Passes up to `most` jobs of a state within a range of positions, from the last down: how many,
/// and the position of the last one that it passed; `None` where there were no more.
pub(crate) fn skip(
    connection: &Connection,
    project: i64,
    state: i64,
    range: Range<i64>,
    most: i64,
) -> Result<(i64, Option<i64>)> {
    let blocks = Blocks { connection, project, state };
    let sql = "SELECT first, jobs FROM job_blocks WHERE project = ?1 AND state = ?2 \
               AND first < ?3 ORDER BY first DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, state, range.end])?;
    let (mut passed, mut until, mut is_whole) = (0, range.end, range.end == i64::MAX);
    while let Some(row) = rows.next()? {
        let (first, jobs): (i64, i64) = (row.get(0)?, row.get(1)?);
        let part = first.max(range.start)..until;
        is_whole &= first >= range.start;
        if is_whole && jobs < most - passed {
            passed += jobs;
        } else if let Some(last) = blocks.nth(&part, most - passed)? {
            return Ok((most, Some(last)));
        } else {
            passed += blocks.count(&part)?;
        }
        if first <= range.start {
            break;
        }
        (until, is_whole) = (first, true);
    }
    Ok((passed, None))
}

/// The blocks of a state.
struct Blocks<'c> {
    connection: &'c Connection,
    project: i64,
    state: i64,
}

impl Blocks<'_> {
    /// Adds to the size of the block that a position is in.
    fn change(&self, position: i64, by: i64) -> Result<()> {
        let sql = "UPDATE job_blocks SET jobs = jobs + ?4 \
                   WHERE project = ?1 AND state = ?2 AND first = (\
                   SELECT first FROM job_blocks WHERE project = ?1 AND state = ?2 AND first <= ?3 \
                   ORDER BY first DESC LIMIT 1) RETURNING first, jobs";
        let key = params![self.project, self.state, position, by];
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        match first(self.connection, sql, key, read)? {
            None => self.begin(position, by),
            Some((first, 0)) => self.remove(first),
            Some((first, jobs)) => self.split(first, jobs),
        }
    }

    /// Where there is no block at a position or before it: the one after it begins there from now
    /// on, or a new one.
    fn begin(&self, position: i64, by: i64) -> Result<()> {
        let sql = "UPDATE job_blocks SET first = ?3 \
                   WHERE project = ?1 AND state = ?2 AND first = ?4";
        if let Some(next) = self.end_after(position)? {
            let key = params![self.project, self.state, position, next];
            self.connection.prepare_cached(sql)?.execute(key)?;
            return self.change(position, by);
        }
        self.insert(position, by)?;
        self.split(position, by)
    }

    /// Where the block ends that a position is in: where the next one begins.
    fn end_after(&self, position: i64) -> Result<Option<i64>> {
        let sql = "SELECT first FROM job_blocks WHERE project = ?1 AND state = ?2 AND first > ?3 \
                   ORDER BY first LIMIT 1";
        let key = params![self.project, self.state, position];
        first(self.connection, sql, key, |row| row.get(0))
    }

    /// Leaves [`BLOCK`] jobs in a block that has become too large, and so in what it leaves over.
    fn split(&self, mut first_position: i64, mut jobs: i64) -> Result<()> {
        while jobs >= 2 * BLOCK {
            let sql = "SELECT position FROM jobs INDEXED BY jobs_by_state \
                       WHERE project = ?1 AND state = ?2 AND position >= ?3 \
                       ORDER BY position LIMIT 1 OFFSET ?4";
            let key = params![self.project, self.state, first_position, BLOCK];
            let Some(next) = first(self.connection, sql, key, |row| row.get(0))? else { break };
            let sql = "UPDATE job_blocks SET jobs = ?4 \
                       WHERE project = ?1 AND state = ?2 AND first = ?3";
            let key = params![self.project, self.state, first_position, BLOCK];
            self.connection.prepare_cached(sql)?.execute(key)?;
            (first_position, jobs) = (next, jobs - BLOCK);
            self.insert(first_position, jobs)?;
        }
        Ok(())
    }

    fn insert(&self, first_position: i64, jobs: i64) -> Result<()> {
        let sql = "INSERT INTO job_blocks (project, state, first, jobs) VALUES (?1, ?2, ?3, ?4)";
        let row = params![self.project, self.state, first_position, jobs];
        self.connection.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn remove(&self, first_position: i64) -> Result<()> {
        let sql = "DELETE FROM job_blocks WHERE project = ?1 AND state = ?2 AND first = ?3";
        let key = params![self.project, self.state, first_position];
        self.connection.prepare_cached(sql)?.execute(key)?;
        Ok(())
    }

    /// The position of the `nth` job of a range, from the last one down, which is the first.
    fn nth(&self, range: &Range<i64>, nth: i64) -> Result<Option<i64>> {
        let sql = "SELECT position FROM jobs INDEXED BY jobs_by_state WHERE project = ?1 \
                   AND state = ?2 AND position >= ?3 AND position < ?4 \
                   ORDER BY position DESC LIMIT 1 OFFSET ?5";
        let key = params![self.project, self.state, range.start, range.end, nth - 1];
        first(self.connection, sql, key, |row| row.get(0))
    }

    fn count(&self, range: &Range<i64>) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM jobs INDEXED BY jobs_by_state WHERE project = ?1 \
                   AND state = ?2 AND position >= ?3 AND position < ?4";
        let key = params![self.project, self.state, range.start, range.end];
        Ok(first(self.connection, sql, key, |row| row.get(0))?.unwrap_or(0))
    }
}
