//! API keys and the installation's secret. API keys are few, so that their hash is read whole. One
//! that was removed leaves an empty record, so that its digest is never kept again.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spiderq_core::{
    error::{Error, Result},
    model::{Quotas, Role},
    store::{ApiKeyDigest, ApiKeyRecord, ApiKeyStore},
};

use crate::{
    RedisStore,
    error::bad_reply,
    link::within,
    names::{API_KEYS, CONFIG, SECRET},
    outcome::Step,
    scripts,
};

/// An [`ApiKeyRecord`] as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredApiKey {
    id: String,
    name: String,
    role: String,
    projects: Option<Vec<u64>>,
    created: u64,
    /// Not there in the records of earlier versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    quotas: BTreeMap<String, u64>,
}

#[async_trait]
impl ApiKeyStore for RedisStore {
    async fn put_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool> {
        let mut pipe = redis::pipe();
        pipe.hset_nx(API_KEYS, &digest.0, encode(key)?);
        let (is_new,) = within(self.connection.pipe(&pipe)).await?;
        Ok(is_new)
    }

    async fn put_first_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool> {
        let record = encode(key)?;
        let arguments = [digest.0.as_bytes(), &record];
        let script = &scripts::PUT_FIRST_API_KEY;
        let step: Step = within(self.connection.run_plain(script, API_KEYS, arguments)).await?;
        Ok(step == Step::Applied)
    }

    async fn get_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>> {
        let mut pipe = redis::pipe();
        pipe.hget(API_KEYS, &digest.0);
        let (record,): (Option<Vec<u8>>,) = within(self.connection.pipe(&pipe)).await?;
        record.filter(|record| !record.is_empty()).map(|record| decode(&record)).transpose()
    }

    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        let mut keys: Vec<_> = within(all(self)).await?.into_iter().map(|(_, key)| key).collect();
        keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(keys)
    }

    async fn remove_api_key(&self, id: &str) -> Result<bool> {
        within(remove(self, id)).await
    }

    async fn installation_secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]> {
        let mut read = redis::pipe();
        read.hget(CONFIG, SECRET);
        // A server that is out of memory still answers this.
        let (kept,): (Option<Vec<u8>>,) = within(self.connection.pipe(&read)).await?;
        let kept = match kept {
            Some(kept) => kept,
            None => {
                let mut pipe = redis::pipe();
                // Of several that start at once, the first one's stays.
                pipe.hset_nx(CONFIG, SECRET, &candidate[..]).ignore();
                pipe.hget(CONFIG, SECRET);
                let (kept,): (Vec<u8>,) = within(self.connection.pipe(&pipe)).await?;
                kept
            }
        };
        kept.try_into().map_err(|_| bad_reply("a secret that is not of 32 bytes"))
    }
}

/// All API keys by their digests.
async fn all(store: &RedisStore) -> Result<Vec<(String, ApiKeyRecord)>> {
    let mut pipe = redis::pipe();
    pipe.hgetall(API_KEYS);
    let (records,): (Vec<(String, Vec<u8>)>,) = store.connection.pipe(&pipe).await?;
    let records = records.into_iter().filter(|(_, record)| !record.is_empty());
    records.map(|(digest, record)| Ok((digest, decode(&record)?))).collect()
}

async fn remove(store: &RedisStore, id: &str) -> Result<bool> {
    let mut keys = all(store).await?.into_iter();
    let Some((digest, _)) = keys.find(|(_, key)| key.id == id) else {
        return Ok(false);
    };
    let mut pipe = redis::pipe();
    pipe.hset(API_KEYS, digest, "").ignore();
    let () = store.connection.pipe(&pipe).await?;
    Ok(true)
}

fn encode(key: ApiKeyRecord) -> Result<Vec<u8>> {
    let quotas = key.quotas.iter().map(|(quota, most)| (quota.as_str().to_owned(), most));
    let stored = StoredApiKey {
        id: key.id,
        name: key.name,
        role: key.role.as_str().to_owned(),
        projects: key.projects,
        created: key.created,
        quotas: quotas.collect(),
    };
    rmp_serde::to_vec_named(&stored).map_err(Error::bug)
}

fn decode(record: &[u8]) -> Result<ApiKeyRecord> {
    let stored: StoredApiKey = rmp_serde::from_slice(record).map_err(bad_reply)?;
    let role = Role::ALL.into_iter().find(|role| role.as_str() == stored.role);
    Ok(ApiKeyRecord {
        id: stored.id,
        name: stored.name,
        role: role.ok_or_else(|| bad_reply("an unknown role"))?,
        projects: stored.projects,
        created: stored.created,
        quotas: Quotas::named(stored.quotas.iter().map(|(name, most)| (name.as_str(), *most))),
    })
}
