//! Settings of projects: a row per name, its value byte for byte.

use rusqlite::{Connection, params};
use spiderq_core::{
    model::{FieldName, JsonText, Metadata, ProjectId},
    store::SettingsChange,
};

use crate::{
    error::Result,
    job_row::{first, int},
    project_step::ProjectStep,
};

/// All settings of a project.
pub(crate) fn all(connection: &Connection, project: ProjectId) -> Result<Metadata> {
    let sql = "SELECT name, value FROM settings WHERE project = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([int(project.get())], |row| {
        let name = FieldName::known(row.get_ref("name")?.as_str()?);
        Ok((name, JsonText::stored(row.get("value")?)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Those settings of a project that are among `names`.
pub(crate) fn named(
    connection: &Connection,
    project: ProjectId,
    names: &[String],
) -> Result<Metadata> {
    let sql = "SELECT value FROM settings WHERE project = ?1 AND name = ?2";
    let mut settings = Metadata::default();
    for name in names {
        let key = params![int(project.get()), name];
        if let Some(value) = first(connection, sql, key, |row| row.get(0))? {
            settings.insert(FieldName::known(name), JsonText::stored(value));
        }
    }
    Ok(settings)
}

/// Makes the change, unless the settings would be too large then.
pub(crate) fn change(
    connection: &Connection,
    project: ProjectId,
    change: &SettingsChange,
) -> Result<bool> {
    match change {
        SettingsChange::Merge(settings) => return merge(connection, project, settings),
        SettingsChange::Remove(names) => {
            let sql = "DELETE FROM settings WHERE project = ?1 AND name = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            for name in names {
                statement.execute(params![int(project.get()), name.as_str()])?;
            }
        }
        SettingsChange::Clear => {
            let sql = "DELETE FROM settings WHERE project = ?1";
            connection.prepare_cached(sql)?.execute([int(project.get())])?;
        }
    }
    Ok(true)
}

fn merge(connection: &Connection, project: ProjectId, settings: &Metadata) -> Result<bool> {
    let mut after = all(connection, project)?;
    after.extend(settings.clone());
    if after.check_size().is_err() {
        return Ok(false);
    }
    let sql = "INSERT OR REPLACE INTO settings (project, name, value) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    for (name, value) in settings.iter() {
        statement.execute(params![int(project.get()), name.as_str(), value.as_str()])?;
    }
    let mut project = ProjectStep::load(connection, project)?;
    project.create();
    project.save()?;
    Ok(true)
}
