//! API keys and the installation's secret. API keys are few, so that their hash is read whole. One
//! that was removed leaves an empty record, so that its digest is never kept again.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use redis::Script;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use spiderq_core::{
    error::{Error, Result},
    model::{Millis, Quotas, Role},
    store::{ApiKeyDigest, ApiKeyRecord, ApiKeyStore, KeyRemoval, KeyReplacement, MAX_BATCH},
};

use crate::{
    RedisStore,
    error::bad_reply,
    link::within,
    names::{API_KEY_USES, API_KEYS, CONFIG, SECRET},
    outcome::{RemoveApiKey, ReplaceApiKey, Step},
    scripts,
};

/// An [`ApiKeyRecord`] as it is kept. `replace_api_key.lua` adds `replaced_by`, an id, to that of an
/// API key that is replaced.
#[derive(Serialize, Deserialize)]
struct StoredApiKey {
    id: String,
    name: String,
    role: String,
    projects: Option<Vec<u64>>,
    created: u64,
    expires: Option<u64>,
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
        let arguments = [digest.0.as_bytes(), &encode(key)?];
        let step: Step = self.api_key_step(&scripts::PUT_FIRST_API_KEY, &arguments).await?;
        Ok(step == Step::Applied)
    }

    async fn get_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>> {
        let mut pipe = redis::pipe();
        pipe.hget(API_KEYS, &digest.0);
        let (record,): (Option<Vec<u8>>,) = within(self.connection.pipe(&pipe)).await?;
        let record = record.filter(|record| !record.is_empty());
        record.map(|record| decode(&record, None)).transpose()
    }

    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        let (mut records, mut uses) = (redis::pipe(), redis::pipe());
        records.hgetall(API_KEYS);
        // A trip of its own: in a slot that moves, one key may be gone before the other.
        uses.zrange_withscores(API_KEY_USES, 0, -1);
        let (records,): (Vec<(String, Vec<u8>)>,) = within(self.connection.pipe(&records)).await?;
        let (uses,): (Vec<(String, f64)>,) = within(self.connection.pipe(&uses)).await?;
        let uses: HashMap<String, f64> = uses.into_iter().collect();
        let records = records.into_iter().filter(|(_, record)| !record.is_empty());
        let keys = records.map(|(digest, record)| decode(&record, uses.get(&digest).copied()));
        let mut keys: Vec<_> = keys.collect::<Result<_>>()?;
        keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(keys)
    }

    async fn remove_api_key(&self, id: &str, keep_admin: bool) -> Result<KeyRemoval> {
        let keep = if keep_admin { "keep_admin" } else { "" };
        let arguments = [id.as_bytes(), keep.as_bytes()];
        let removal = self.api_key_step(&scripts::REMOVE_API_KEY, &arguments).await?;
        Ok(match removal {
            RemoveApiKey::Removed => KeyRemoval::Removed,
            RemoveApiKey::Missing => KeyRemoval::Missing,
            RemoveApiKey::LastAdmin => KeyRemoval::LastAdmin,
        })
    }

    async fn replace_api_key(
        &self,
        id: &str,
        expires: Millis,
        digest: &ApiKeyDigest,
        key: ApiKeyRecord,
    ) -> Result<KeyReplacement> {
        let expires = expires.0.to_string();
        let arguments = [id.as_bytes(), expires.as_bytes(), digest.0.as_bytes(), &encode(key)?];
        let replacement = self.api_key_step(&scripts::REPLACE_API_KEY, &arguments).await?;
        Ok(match replacement {
            ReplaceApiKey::Replaced => KeyReplacement::Replaced,
            ReplaceApiKey::Missing => KeyReplacement::Missing,
            ReplaceApiKey::ReplacedBefore(by) => KeyReplacement::ReplacedBefore(by),
        })
    }

    async fn note_api_key_uses(&self, uses: &[(ApiKeyDigest, Millis)]) -> Result<()> {
        for uses in uses.chunks(MAX_BATCH) {
            let mut pipe = redis::pipe();
            // GT: a later time that another process has noted stays.
            pipe.cmd("ZADD").arg(API_KEY_USES).arg("GT");
            for (digest, used) in uses {
                pipe.arg(used.0).arg(&digest.0);
            }
            pipe.ignore();
            within(self.connection.pipe::<()>(&pipe)).await?;
        }
        Ok(())
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

impl RedisStore {
    async fn api_key_step<T: DeserializeOwned>(
        &self,
        script: &Script,
        arguments: &[&[u8]],
    ) -> Result<T> {
        within(self.connection.run_plain(script, API_KEYS, arguments)).await
    }
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
        expires: key.expires,
    };
    rmp_serde::to_vec_named(&stored).map_err(Error::bug)
}

fn decode(record: &[u8], used: Option<f64>) -> Result<ApiKeyRecord> {
    let stored: StoredApiKey = rmp_serde::from_slice(record).map_err(bad_reply)?;
    let role = Role::ALL.into_iter().find(|role| role.as_str() == stored.role);
    Ok(ApiKeyRecord {
        id: stored.id,
        name: stored.name,
        role: role.ok_or_else(|| bad_reply("an unknown role"))?,
        projects: stored.projects,
        created: stored.created,
        quotas: Quotas::named(stored.quotas.iter().map(|(name, most)| (name.as_str(), *most))),
        expires: stored.expires,
        last_used: used.map(|ms| ms as u64),
    })
}
