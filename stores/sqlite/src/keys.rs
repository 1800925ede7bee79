//! API keys and the installation's secret. Neither is ever logged.

use crate::error::Result;
use rusqlite::{Connection, Row, params};

use super::{
    error::corrupt,
    row::{first, int},
};
use spiderq_core::{
    model::Role,
    store::{ApiKeyDigest, ApiKeyRecord},
};

const COLUMNS: &str = "SELECT id, name, role, projects, created FROM api_keys";

/// Keeps a key, in the place of one with the same digest.
pub(super) fn put(
    connection: &Connection,
    digest: &ApiKeyDigest,
    key: &ApiKeyRecord,
) -> Result<()> {
    let projects = key.projects.as_ref();
    let projects = projects.map(|list| serde_json::Value::from(list.clone()).to_string());
    let mut statement = connection
        .prepare_cached("INSERT OR REPLACE INTO api_keys VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    statement.execute(params![
        digest.0,
        key.id,
        key.name,
        key.role.as_str(),
        projects,
        int(key.created)
    ])?;
    Ok(())
}

/// Keeps a key if there is none.
pub(super) fn put_first(
    connection: &Connection,
    digest: &ApiKeyDigest,
    key: &ApiKeyRecord,
) -> Result<bool> {
    let any = first(connection, "SELECT 1 FROM api_keys LIMIT 1", [], |_| Ok(()))?;
    if any.is_some() {
        return Ok(false);
    }
    put(connection, digest, key)?;
    Ok(true)
}

/// The key with this digest.
pub(super) fn find(connection: &Connection, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>> {
    let sql = format!("{COLUMNS} WHERE digest = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([&digest.0])?;
    rows.next()?.map(read).transpose()
}

/// All keys, oldest first.
pub(super) fn list(connection: &Connection) -> Result<Vec<ApiKeyRecord>> {
    let sql = format!("{COLUMNS} ORDER BY created, id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(read(row)?);
    }
    Ok(keys)
}

/// Removes the key with this id.
pub(super) fn remove(connection: &Connection, id: &str) -> Result<bool> {
    let mut statement = connection.prepare_cached("DELETE FROM api_keys WHERE id = ?1")?;
    Ok(statement.execute([id])? > 0)
}

/// The secret: the one kept, else `candidate`, which is kept from now on.
pub(super) fn installation_secret(
    connection: &Connection,
    candidate: [u8; 32],
) -> Result<[u8; 32]> {
    let mut statement =
        connection.prepare_cached("INSERT OR IGNORE INTO config VALUES ('secret', ?1)")?;
    statement.execute([candidate])?;
    let sql = "SELECT value FROM config WHERE name = 'secret'";
    first(connection, sql, [], |row| row.get(0))?.ok_or_else(|| corrupt("secret"))
}

fn read(row: &Row<'_>) -> Result<ApiKeyRecord> {
    let role: String = row.get(2)?;
    let role = Role::ALL.into_iter().find(|known| known.as_str() == role);
    let projects: Option<String> = row.get(3)?;
    let projects = projects.map(|json| serde_json::from_str(&json)).transpose();
    Ok(ApiKeyRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        role: role.ok_or_else(|| corrupt("role"))?,
        projects: projects.map_err(|_| corrupt("projects"))?,
        created: row.get::<_, i64>(4)?.cast_unsigned(),
    })
}
