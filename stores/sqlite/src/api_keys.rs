//! API keys and the installation's secret. Neither is ever logged.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{Connection, Row, named_params};
use spiderq_core::{
    error,
    model::{Millis, Quotas, Role},
    store::{ApiKeyDigest, ApiKeyRecord, ApiKeyStore, KeyRemoval, KeyReplacement},
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
            let key = rows.next()?.map(read).transpose()?;
            Ok(key.map(|key| ApiKeyRecord { last_used: None, ..key }))
        };
        self.short_reads.call(None, read).await
    }

    async fn list_api_keys(&self) -> error::Result<Vec<ApiKeyRecord>> {
        self.readers.call(None, list).await
    }

    async fn remove_api_key(&self, id: &str, keep_admin: bool) -> error::Result<KeyRemoval> {
        let id = id.to_owned();
        self.writer.call(move |connection| remove(connection, &id, keep_admin)).await
    }

    async fn replace_api_key(
        &self,
        id: &str,
        expires: Millis,
        digest: &ApiKeyDigest,
        key: ApiKeyRecord,
    ) -> error::Result<KeyReplacement> {
        let (id, digest) = (id.to_owned(), digest.clone());
        let step =
            move |connection: &Connection| replace(connection, &id, expires, (&digest, &key));
        self.writer.call(step).await
    }

    async fn note_api_key_uses(&self, uses: &[(ApiKeyDigest, Millis)]) -> error::Result<()> {
        let uses = uses.to_vec();
        let step = move |connection: &Connection| {
            let sql = "UPDATE api_keys SET last_used = max(ifnull(last_used, ?2), ?2) \
                       WHERE digest = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            for (digest, used) in &uses {
                statement.execute((&digest.0, int(used.0)))?;
            }
            Ok(())
        };
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
        "INSERT OR IGNORE INTO api_keys \
             (digest, id, name, role, projects, created, expires, quotas) \
         VALUES (:digest, :id, :name, :role, :projects, :created, :expires, :quotas)",
    )?;
    let added = statement.execute(named_params! {
        ":digest": digest.0,
        ":id": key.id,
        ":name": key.name,
        ":role": key.role.as_str(),
        ":projects": projects,
        ":created": int(key.created),
        ":quotas": quotas(&key.quotas),
        ":expires": key.expires.map(int),
    })?;
    Ok(added > 0)
}

/// A JSON object; `None` where there are none.
fn quotas(quotas: &Quotas) -> Option<String> {
    let given: serde_json::Map<_, _> =
        quotas.iter().map(|(quota, most)| (quota.as_str().to_owned(), most.into())).collect();
    (!given.is_empty()).then(|| serde_json::Value::from(given).to_string())
}

/// The name in `config` of the id of the API key that is in the place of the one with `id`.
fn replaced_by(id: &str) -> String {
    format!("replaced_by/{id}")
}

fn replace(
    connection: &Connection,
    id: &str,
    expires: Millis,
    (digest, key): (&ApiKeyDigest, &ApiKeyRecord),
) -> Result<KeyReplacement> {
    let sql = "SELECT CAST(value AS TEXT) FROM config WHERE name = ?1";
    if let Some(by) = first(connection, sql, [replaced_by(id)], |row| row.get(0))? {
        return Ok(KeyReplacement::ReplacedBefore(by));
    }
    let sql = "UPDATE api_keys SET expires = min(ifnull(expires, ?2), ?2) \
               WHERE id = ?1 AND NOT removed";
    if connection.execute(sql, (id, int(expires.0)))? == 0 {
        return Ok(KeyReplacement::Missing);
    }
    let sql = "INSERT INTO config (name, value) VALUES (?1, ?2)";
    connection.execute(sql, (replaced_by(id), key.id.as_bytes()))?;
    put(connection, digest, key)?;
    Ok(KeyReplacement::Replaced)
}

fn remove(connection: &Connection, id: &str, keep_admin: bool) -> Result<KeyRemoval> {
    const LASTING_ADMIN: &str = "NOT removed AND role = 'admin' AND expires IS NULL";
    let exists = |condition: &str| {
        let sql = format!("SELECT 1 FROM api_keys WHERE {condition} LIMIT 1");
        first(connection, &sql, [id], |_| Ok(())).map(|found| found.is_some())
    };
    if keep_admin
        && exists(&format!("id = ?1 AND {LASTING_ADMIN}"))?
        && !exists(&format!("id <> ?1 AND {LASTING_ADMIN}"))?
    {
        return Ok(KeyRemoval::LastAdmin);
    }
    let sql = "UPDATE api_keys SET removed = 1 WHERE id = ?1 AND NOT removed";
    let removed = connection.execute(sql, [id])? > 0;
    connection.execute("DELETE FROM config WHERE name = ?1", [replaced_by(id)])?;
    Ok(if removed { KeyRemoval::Removed } else { KeyRemoval::Missing })
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
    let quotas: Option<String> = row.get("quotas")?;
    let quotas: BTreeMap<String, u64> = match quotas {
        Some(json) => serde_json::from_str(&json).map_err(|_| corrupt("quotas"))?,
        None => BTreeMap::new(),
    };
    Ok(ApiKeyRecord {
        quotas: Quotas::named(quotas.iter().map(|(name, most)| (name.as_str(), *most))),
        id: row.get("id")?,
        name: row.get("name")?,
        role: role.ok_or_else(|| corrupt("role"))?,
        projects: projects.map_err(|_| corrupt("projects"))?,
        created: row.get::<_, i64>("created")?.cast_unsigned(),
        expires: row.get::<_, Option<i64>>("expires")?.map(i64::cast_unsigned),
        last_used: row.get::<_, Option<i64>>("last_used")?.map(i64::cast_unsigned),
    })
}
