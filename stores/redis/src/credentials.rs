//! API keys and the installation's secret. Keys are few, so that their hash is read whole.

use serde::{Deserialize, Serialize};

use super::{
    RedisStore,
    connection::unpack,
    errors::bad_reply,
    keys::{API_KEYS, CONFIG},
    scripts,
};
use spiderq_core::{
    error::{Error, Result},
    model::Role,
    store::{ApiKeyDigest, ApiKeyRecord},
};

/// An [`ApiKeyRecord`] as it is kept.
#[derive(Serialize, Deserialize)]
struct KeyRecord {
    id: String,
    name: String,
    role: String,
    projects: Option<Vec<u64>>,
    created: u64,
}

/// [`Store::put_api_key`](spiderq_core::store::Store::put_api_key).
pub(super) async fn put(
    store: &RedisStore,
    digest: &ApiKeyDigest,
    key: ApiKeyRecord,
) -> Result<()> {
    let mut pipe = redis::pipe();
    pipe.hset(API_KEYS, &digest.0, encode(key)?).ignore();
    store.connection.pipe(&pipe).await
}

/// [`Store::put_first_api_key`](spiderq_core::store::Store::put_first_api_key).
pub(super) async fn put_first(
    store: &RedisStore,
    digest: &ApiKeyDigest,
    key: ApiKeyRecord,
) -> Result<bool> {
    let record = encode(key)?;
    let arguments = [digest.0.as_bytes(), &record];
    store.connection.run_plain(&scripts::FIRST_KEY, API_KEYS, arguments).await
}

/// [`Store::get_api_key`](spiderq_core::store::Store::get_api_key).
pub(super) async fn find(
    store: &RedisStore,
    digest: &ApiKeyDigest,
) -> Result<Option<ApiKeyRecord>> {
    let mut pipe = redis::pipe();
    pipe.hget(API_KEYS, &digest.0);
    let (record,): (Option<Vec<u8>>,) = store.connection.pipe(&pipe).await?;
    record.map(|record| decode(&record)).transpose()
}

/// [`Store::list_api_keys`](spiderq_core::store::Store::list_api_keys).
pub(super) async fn list(store: &RedisStore) -> Result<Vec<ApiKeyRecord>> {
    let mut keys: Vec<ApiKeyRecord> = all(store).await?.into_iter().map(|(_, key)| key).collect();
    keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    Ok(keys)
}

/// [`Store::remove_api_key`](spiderq_core::store::Store::remove_api_key).
pub(super) async fn remove(store: &RedisStore, id: &str) -> Result<bool> {
    let keys = all(store).await?;
    let Some((digest, _)) = keys.into_iter().find(|(_, key)| key.id == id) else {
        return Ok(false);
    };
    let mut pipe = redis::pipe();
    pipe.hdel(API_KEYS, digest);
    let (removed,) = store.connection.pipe(&pipe).await?;
    Ok(removed)
}

/// [`Store::secret`](spiderq_core::store::Store::secret).
pub(super) async fn installation_secret(
    store: &RedisStore,
    candidate: [u8; 32],
) -> Result<[u8; 32]> {
    let mut pipe = redis::pipe();
    pipe.atomic();
    pipe.hset_nx(CONFIG, "secret", &candidate[..]).ignore();
    pipe.hget(CONFIG, "secret");
    let (kept,): (Vec<u8>,) = store.connection.pipe(&pipe).await?;
    kept.try_into().map_err(|_| bad_reply("a secret that is not of 32 bytes"))
}

async fn all(store: &RedisStore) -> Result<Vec<(String, ApiKeyRecord)>> {
    let mut pipe = redis::pipe();
    pipe.hgetall(API_KEYS);
    let (records,): (Vec<(String, Vec<u8>)>,) = store.connection.pipe(&pipe).await?;
    records.into_iter().map(|(digest, record)| Ok((digest, decode(&record)?))).collect()
}

fn encode(key: ApiKeyRecord) -> Result<Vec<u8>> {
    let record = KeyRecord {
        id: key.id,
        name: key.name,
        role: key.role.as_str().to_owned(),
        projects: key.projects,
        created: key.created,
    };
    rmp_serde::to_vec_named(&record).map_err(Error::bug)
}

fn decode(record: &[u8]) -> Result<ApiKeyRecord> {
    let record: KeyRecord = unpack(record)?;
    let role = Role::ALL
        .into_iter()
        .find(|role| role.as_str() == record.role)
        .ok_or_else(|| bad_reply("an unknown role"))?;
    Ok(ApiKeyRecord {
        id: record.id,
        name: record.name,
        role,
        projects: record.projects,
        created: record.created,
    })
}
