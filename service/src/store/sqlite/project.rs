//! A project's own row: the highest position and the numbers given so far, for spiders and
//! for jobs. Each atomic step reads it once and writes it once.

use rusqlite::{Connection, params};

use super::row::{first, int, job_id, spider_id, spider_name};
use crate::{
    error::Result,
    model::{JobId, Millis, Position, ProjectId, SpiderId, SpiderName},
};

/// A project within an atomic step.
#[derive(Debug)]
pub(super) struct Project {
    id: ProjectId,
    last_position: Position,
    last_spider: i64,
    changed: bool,
}

impl Project {
    /// As it stands; one that was never used starts from nothing.
    pub(super) fn load(connection: &Connection, id: ProjectId) -> Result<Self> {
        let sql = "SELECT last_position, last_spider FROM projects WHERE project = ?1";
        let row = first(connection, sql, [int(id.get())], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?))
        })?;
        let (position, last_spider) = row.unwrap_or_default();
        Ok(Self {
            id,
            last_position: Position(position.cast_unsigned()),
            last_spider,
            changed: false,
        })
    }

    /// Writes it back.
    pub(super) fn save(&self, connection: &Connection) -> Result<()> {
        if self.changed {
            let mut statement =
                connection.prepare_cached("INSERT OR REPLACE INTO projects VALUES (?1, ?2, ?3)")?;
            statement.execute(params![
                int(self.id.get()),
                int(self.last_position.0),
                self.last_spider
            ])?;
        }
        Ok(())
    }

    /// Its number.
    pub(super) const fn id(&self) -> ProjectId {
        self.id
    }

    /// The place of an entry made at `now`.
    pub(super) fn next_position(&mut self, now: Millis) -> Position {
        self.last_position = Position::after(self.last_position, now);
        self.changed = true;
        self.last_position
    }

    /// The number of a spider; a new one if it has none.
    pub(super) fn spider(
        &mut self,
        connection: &Connection,
        name: &SpiderName,
    ) -> Result<SpiderId> {
        if let Some(spider) = find_spider(connection, self.id, name)? {
            return Ok(spider);
        }
        self.last_spider += 1;
        self.changed = true;
        let mut statement =
            connection.prepare_cached("INSERT INTO spiders VALUES (?1, ?2, ?3, 0)")?;
        statement.execute(params![int(self.id.get()), self.last_spider, name.as_str()])?;
        spider_id(self.last_spider)
    }

    /// The next number of a job of `spider`.
    pub(super) fn next_job(&self, connection: &Connection, spider: SpiderId) -> Result<JobId> {
        let mut statement = connection.prepare_cached(
            "UPDATE spiders SET last_job = last_job + 1 WHERE project = ?1 AND spider = ?2 \
             RETURNING last_job",
        )?;
        let key = params![int(self.id.get()), int(spider.get())];
        job_id(statement.query_row(key, |row| row.get(0))?)
    }
}

/// The number of a spider.
pub(super) fn find_spider(
    connection: &Connection,
    project: ProjectId,
    name: &SpiderName,
) -> Result<Option<SpiderId>> {
    let sql = "SELECT spider FROM spiders WHERE project = ?1 AND name = ?2";
    let key = params![int(project.get()), name.as_str()];
    let number = first(connection, sql, key, |row| row.get(0))?;
    number.map(spider_id).transpose()
}

/// The name of a spider.
pub(super) fn find_name(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
) -> Result<Option<SpiderName>> {
    let sql = "SELECT name FROM spiders WHERE project = ?1 AND spider = ?2";
    let key = params![int(project.get()), int(spider.get())];
    let name: Option<String> = first(connection, sql, key, |row| row.get(0))?;
    name.as_deref().map(spider_name).transpose()
}
