//! API keys and the secret of the installation.

use std::collections::HashMap;

use async_trait::async_trait;
use spiderq_core::{
    error::Result,
    store::{ApiKeyDigest, ApiKeyRecord, ApiKeyStore},
};

use crate::{MemoryStore, lock};

#[derive(Debug, Default)]
pub(crate) struct ApiKeys {
    /// `None` for one that was removed.
    by_digest: HashMap<ApiKeyDigest, Option<ApiKeyRecord>>,
    secret: Option<[u8; 32]>,
}

#[async_trait]
impl ApiKeyStore for MemoryStore {
    async fn put_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool> {
        let mut keys = lock(&self.api_keys);
        let is_new = !keys.by_digest.contains_key(digest);
        if is_new {
            keys.by_digest.insert(digest.clone(), Some(key));
        }
        Ok(is_new)
    }

    async fn put_first_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool> {
        let mut keys = lock(&self.api_keys);
        let first = keys.by_digest.values().all(Option::is_none);
        if first {
            keys.by_digest.insert(digest.clone(), Some(key));
        }
        Ok(first)
    }

    async fn get_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>> {
        Ok(lock(&self.api_keys).by_digest.get(digest).cloned().flatten())
    }

    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        let mut keys: Vec<_> = lock(&self.api_keys).by_digest.values().flatten().cloned().collect();
        keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(keys)
    }

    async fn remove_api_key(&self, id: &str) -> Result<bool> {
        let mut keys = lock(&self.api_keys);
        let has_id = |key: &&mut Option<ApiKeyRecord>| key.as_ref().is_some_and(|key| key.id == id);
        Ok(keys.by_digest.values_mut().find(has_id).and_then(Option::take).is_some())
    }

    async fn installation_secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]> {
        Ok(*lock(&self.api_keys).secret.get_or_insert(candidate))
    }
}
