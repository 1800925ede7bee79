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
    let sets = change.sets();
    if sets && change.clone().apply(all(connection, project)?).check_size().is_err() {
        return Ok(false);
    }
    match change {
        SettingsChange::Merge(set) => insert(connection, project, set)?,
        SettingsChange::Remove(names) => delete(connection, project, names)?,
        SettingsChange::Clear => delete_all(connection, project)?,
        SettingsChange::Update { set, remove } => {
            delete(connection, project, remove)?;
            insert(connection, project, set)?;
        }
        SettingsChange::Replace(set) => {
            delete_all(connection, project)?;
            insert(connection, project, set)?;
        }
    }
    if sets {
        let mut project = ProjectStep::load(connection, project)?;
        project.create();
        project.save()?;
    }
    Ok(true)
}

fn insert(connection: &Connection, project: ProjectId, settings: &Metadata) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO settings (project, name, value) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    for (name, value) in settings.iter() {
        statement.execute(params![int(project.get()), name.as_str(), value.as_str()])?;
    }
    Ok(())
}

fn delete(connection: &Connection, project: ProjectId, names: &[FieldName]) -> Result<()> {
    let sql = "DELETE FROM settings WHERE project = ?1 AND name = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    for name in names {
        statement.execute(params![int(project.get()), name.as_str()])?;
    }
    Ok(())
}

fn delete_all(connection: &Connection, project: ProjectId) -> Result<()> {
    let sql = "DELETE FROM settings WHERE project = ?1";
    connection.prepare_cached(sql)?.execute([int(project.get())])?;
    Ok(())
}
