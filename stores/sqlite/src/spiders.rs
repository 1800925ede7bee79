//! Spiders in lists, their default tags, their limits, and the last job of each.

use rusqlite::{Connection, Row, named_params, params};
use spiderq_core::{
    model::{FieldSelection, Job, ProjectId, SpiderId, SpiderName, State, TagChanges, Tags},
    store::{SpiderRecord, SpiderTagsUpdated},
};

use crate::{
    error::{Result, corrupt},
    job_row::{
        self, JobRow, decode_tags, encode_tags, first, int, job_id, spider_id, spider_name,
        state_index,
    },
};

/// Spiders with numbers above `after`.
pub(crate) fn list(
    connection: &Connection,
    project: ProjectId,
    after: Option<SpiderId>,
    limit: usize,
) -> Result<Vec<SpiderRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM spiders WHERE project = :project AND spider > :after \
         ORDER BY spider LIMIT :limit",
    )?;
    let mut rows = statement.query(named_params! {
        ":project": int(project.get()),
        ":after": after.map_or(0, |spider| int(spider.get())),
        ":limit": job_row::limit(limit),
    })?;
    let mut spiders = Vec::new();
    while let Some(row) = rows.next()? {
        spiders.push(read(row)?);
    }
    Ok(spiders)
}

/// How many there are: the highest number, as numbers have no gaps.
pub(crate) fn count(connection: &Connection, project: ProjectId) -> Result<u64> {
    let sql = "SELECT MAX(spider) FROM spiders WHERE project = ?1";
    let last = first(connection, sql, params![int(project.get())], |row| row.get(0))?;
    Ok(last.flatten().map_or(0, i64::cast_unsigned))
}

fn read(row: &Row<'_>) -> Result<SpiderRecord> {
    let text = |column| row.get_ref(column)?.as_str().map_err(|_| corrupt("spider"));
    let last_job: i64 = row.get("last_job")?;
    Ok(SpiderRecord {
        id: spider_id(row.get("spider")?)?,
        name: spider_name(text("name")?)?,
        tags: decode_tags(text("default_tags")?)?,
        max_running: row.get("max_running")?,
        last_job: (last_job > 0).then(|| job_id(last_job)).transpose()?,
    })
}

/// The tags that scheduled jobs of a spider get; none where it has no number yet.
pub(crate) fn default_tags(
    connection: &Connection,
    project: ProjectId,
    name: &SpiderName,
) -> Result<Tags> {
    let sql = "SELECT default_tags FROM spiders WHERE project = ?1 AND name = ?2";
    let key = params![int(project.get()), name.as_str()];
    let tags: Option<String> = first(connection, sql, key, |row| row.get(0))?;
    tags.map_or(Ok(Tags::default()), |tags| decode_tags(&tags))
}

/// Changes the default tags of a spider.
pub(crate) fn update_tags(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
    changes: &TagChanges,
) -> Result<SpiderTagsUpdated> {
    let key = params![int(project.get()), int(spider.get())];
    let sql = "SELECT default_tags FROM spiders WHERE project = ?1 AND spider = ?2";
    let Some(tags) = first::<String>(connection, sql, key, |row| row.get(0))? else {
        return Ok(SpiderTagsUpdated::Missing);
    };
    let Ok(tags) = changes.apply(&decode_tags(&tags)?) else {
        return Ok(SpiderTagsUpdated::TooManyTags);
    };
    let mut statement = connection.prepare_cached(
        "UPDATE spiders SET default_tags = ?3 WHERE project = ?1 AND spider = ?2",
    )?;
    statement.execute(params![int(project.get()), int(spider.get()), encode_tags(&tags)])?;
    Ok(SpiderTagsUpdated::Done(tags))
}

/// Sets how many jobs of a spider may run at a time. `false` where there is no such spider.
pub(crate) fn limit(
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
pub(crate) fn last_finished(
    connection: &Connection,
    project: ProjectId,
    spider: SpiderId,
    fields: &FieldSelection,
) -> Result<Option<Job>> {
    let sql = "SELECT id FROM jobs INDEXED BY jobs_by_spider \
               WHERE project = ?1 AND spider = ?2 AND state = ?3 ORDER BY position DESC LIMIT 1";
    let key = params![int(project.get()), int(spider.get()), state_index(State::Finished)];
    let id = first(connection, sql, key, |row| row.get(0))?;
    let row = id.map(|id| JobRow::by_id(connection, id, fields)).transpose()?;
    Ok(row.map(|row| row.stored.job))
}
