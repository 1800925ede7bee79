//! API keys and the installation's secret. Neither is ever logged.

use async_trait::async_trait;
use rusqlite::{Connection, Row, named_params};
use spiderq_core::{
    error,
    model::Role,
    store::{ApiKeyDigest, ApiKeyRecord, ApiKeyStore},
};

use crate::{
    SqliteStore,
    error::{Result, corrupt},
    job_row::{first, int},
};

#[async_trait]
impl ApiKeyStore for SqliteStore {
    async fn put_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> error::Result<bool> {
        let digest = digest.clone();
        self.writer.call(move |connection| put(connection, &digest, &key)).await
    }

    async fn put_first_api_key(
        &self,
        digest: &ApiKeyDigest,
        key: ApiKeyRecord,
    ) -> error::Result<bool> {
        let digest = digest.clone();
        let step = move |connection: &_| {
            let any =
                first(connection, "SELECT 1 FROM api_keys WHERE NOT removed LIMIT 1", [], |_| {
                    Ok(())
                })?;
            if any.is_none() {
                put(connection, &digest, &key)?;
            }
            Ok(any.is_none())
        };
        self.writer.call(step).await
    }

    async fn get_api_key(&self, digest: &ApiKeyDigest) -> error::Result<Option<ApiKeyRecord>> {
        let digest = digest.clone();
        let read = move |connection: &Connection| {
            let sql = "SELECT * FROM api_keys WHERE digest = ?1 AND NOT removed";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([&digest.0])?;
            rows.next()?.map(read).transpose()
        };
        self.short_reads.call(read).await
    }

    async fn list_api_keys(&self) -> error::Result<Vec<ApiKeyRecord>> {
        self.readers.call(list).await
    }

    async fn remove_api_key(&self, id: &str) -> error::Result<bool> {
        let id = id.to_owned();
        let sql = "UPDATE api_keys SET removed = 1 WHERE id = ?1 AND NOT removed";
        let step = move |connection: &Connection| Ok(connection.execute(sql, [id])? > 0);
        self.writer.call(step).await
    }

    async fn installation_secret(&self, candidate: [u8; 32]) -> error::Result<[u8; 32]> {
        let step = move |connection: &Connection| {
            let sql = "INSERT OR IGNORE INTO config (name, value) VALUES ('secret', ?1)";
            connection.prepare_cached(sql)?.execute([candidate])?;
            let sql = "SELECT value FROM config WHERE name = 'secret'";
            first(connection, sql, [], |row| row.get(0))?.ok_or_else(|| corrupt("secret"))
        };
        self.writer.call(step).await
    }
}

/// Whether the key is new.
fn put(connection: &Connection, digest: &ApiKeyDigest, key: &ApiKeyRecord) -> Result<bool> {
    let projects = key.projects.as_ref();
    let projects = projects.map(|list| serde_json::Value::from(list.clone()).to_string());
    let mut statement = connection.prepare_cached(
        "INSERT OR IGNORE INTO api_keys (digest, id, name, role, projects, created) \
         VALUES (:digest, :id, :name, :role, :projects, :created)",
    )?;
    let added = statement.execute(named_params! {
        ":digest": digest.0,
        ":id": key.id,
        ":name": key.name,
        ":role": key.role.as_str(),
        ":projects": projects,
        ":created": int(key.created),
    })?;
    Ok(added > 0)
}

fn list(connection: &Connection) -> Result<Vec<ApiKeyRecord>> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM api_keys WHERE NOT removed ORDER BY created, id")?;
    let mut rows = statement.query([])?;
    let mut api_keys = Vec::new();
    while let Some(row) = rows.next()? {
        api_keys.push(read(row)?);
    }
    Ok(api_keys)
}

fn read(row: &Row<'_>) -> Result<ApiKeyRecord> {
    let role: String = row.get("role")?;
    let role = Role::ALL.into_iter().find(|known| known.as_str() == role);
    let projects: Option<String> = row.get("projects")?;
    let projects = projects.map(|json| serde_json::from_str(&json)).transpose();
    Ok(ApiKeyRecord {
        id: row.get("id")?,
        name: row.get("name")?,
        role: role.ok_or_else(|| corrupt("role"))?,
        projects: projects.map_err(|_| corrupt("projects"))?,
        created: row.get::<_, i64>("created")?.cast_unsigned(),
    })
}
