//! Spiders in lists, their tags, and the last job of each.

use crate::error::Result;
use rusqlite::{Connection, Row, params};

use super::{
    error::corrupt,
    row::{self, StoredJob, decode_tags, encode_tags, first, int, job_id, spider_id, spider_name},
};
use spiderq_core::{
    model::{FieldSelection, Job, ProjectId, SpiderId, State, TagChanges},
    store::{SpiderRecord, SpiderTagsUpdated},
};

/// Spiders with numbers above `after`.
pub(super) fn list(
    connection: &Connection,
    project: ProjectId,
    after: Option<SpiderId>,
    limit: usize,
) -> Result<Vec<SpiderRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT spider, name, default_tags, last_job, max_running FROM spiders \
         WHERE project = ?1 AND spider > ?2 ORDER BY spider LIMIT ?3",
    )?;
    let after = after.map_or(0, |spider| int(spider.get()));
    let mut rows = statement.query(params![int(project.get()), after, row::limit(limit)])?;
    let mut spiders = Vec::new();
    while let Some(row) = rows.next()? {
        spiders.push(read(row)?);
    }
    Ok(spiders)
}

/// Changes the tags of a spider.
pub(super) fn edit_tags(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
    edit: &TagChanges,
) -> Result<SpiderTagsUpdated> {
    let key = params![int(project.get()), int(spider.get())];
    let sql = "SELECT default_tags FROM spiders WHERE project = ?1 AND spider = ?2";
    let Some(tags) = first::<String>(connection, sql, key, |row| row.get(0))? else {
        return Ok(SpiderTagsUpdated::Missing);
    };
    let Ok(tags) = edit.apply(&decode_tags(&tags)?) else {
        return Ok(SpiderTagsUpdated::TooManyTags);
    };
    let mut statement = connection.prepare_cached(
        "UPDATE spiders SET default_tags = ?3 WHERE project = ?1 AND spider = ?2",
    )?;
    statement.execute(params![int(project.get()), int(spider.get()), encode_tags(&tags)])?;
    Ok(SpiderTagsUpdated::Done(tags))
}

/// Sets how many of its jobs may run at a time; whether there is such a spider.
pub(super) fn limit(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
    max_running: Option<u32>,
) -> Result<bool> {
    let mut statement = connection
        .prepare_cached("UPDATE spiders SET max_running = ?3 WHERE project = ?1 AND spider = ?2")?;
    let key = params![int(project.get()), int(spider.get()), max_running];
    Ok(statement.execute(key)? > 0)
}

/// The finished job of a spider that finished last.
pub(super) fn last_finished(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
    fields: &FieldSelection,
) -> Result<Option<Job>> {
    let sql = "SELECT id FROM jobs INDEXED BY jobs_by_spider \
               WHERE project = ?1 AND spider = ?2 AND state = ?3 ORDER BY position DESC LIMIT 1";
    let finished = row::state_index(State::Finished);
    let key = params![int(project.get()), int(spider.get()), finished];
    let id = first(connection, sql, key, |row| row.get(0))?;
    let stored = id.map(|id| StoredJob::by_id(connection, id, fields));
    Ok(stored.transpose()?.map(|stored| stored.job))
}

fn read(row: &Row<'_>) -> Result<SpiderRecord> {
    let text = |column| row.get_ref(column)?.as_str().map_err(|_| corrupt("spider"));
    let last_job: i64 = row.get(3)?;
    Ok(SpiderRecord {
        id: spider_id(row.get(0)?)?,
        name: spider_name(text(1)?)?,
        tags: decode_tags(text(2)?)?,
        max_running: row.get(4)?,
        last_job: (last_job > 0).then(|| job_id(last_job)).transpose()?,
    })
}
