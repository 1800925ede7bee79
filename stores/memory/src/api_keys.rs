//! API keys and the secret of the installation.

use std::collections::HashMap;

use async_trait::async_trait;
use spiderq_core::{
    error::Result,
    model::Millis,
    store::{ApiKeyDigest, ApiKeyRecord, ApiKeyStore, KeyRemoval, KeyReplacement},
};

use crate::{MemoryStore, lock};

#[derive(Debug, Default)]
pub(crate) struct ApiKeys {
    /// `None` for one that was removed.
    by_digest: HashMap<ApiKeyDigest, Option<ApiKeyRecord>>,
    /// By the id of an API key, that of the one in its place.
    replaced_by: HashMap<String, String>,
    secret: Option<[u8; 32]>,
}

impl ApiKeys {
    fn present(&self) -> impl Iterator<Item = &ApiKeyRecord> {
        self.by_digest.values().flatten()
    }

    fn slot(&mut self, id: &str) -> Option<&mut Option<ApiKeyRecord>> {
        let has_id = |key: &&mut Option<ApiKeyRecord>| key.as_ref().is_some_and(|key| key.id == id);
        self.by_digest.values_mut().find(has_id)
    }
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
        let first = keys.present().next().is_none();
        if first {
            keys.by_digest.insert(digest.clone(), Some(key));
        }
        Ok(first)
    }

    async fn get_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>> {
        let key = lock(&self.api_keys).by_digest.get(digest).cloned().flatten();
        Ok(key.map(|key| ApiKeyRecord { last_used: None, ..key }))
    }

    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        let mut keys: Vec<_> = lock(&self.api_keys).present().cloned().collect();
        keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(keys)
    }

    async fn remove_api_key(&self, id: &str, keep_admin: bool) -> Result<KeyRemoval> {
        let mut keys = lock(&self.api_keys);
        let is_lasting = keys.present().any(|key| key.id == id && key.is_lasting_admin());
        let others = keys.present().any(|key| key.id != id && key.is_lasting_admin());
        if keep_admin && is_lasting && !others {
            return Ok(KeyRemoval::LastAdmin);
        }
        let removed = keys.slot(id).and_then(Option::take);
        Ok(removed.map_or(KeyRemoval::Missing, |_| KeyRemoval::Removed))
    }

    async fn replace_api_key(
        &self,
        id: &str,
        expires: Millis,
        digest: &ApiKeyDigest,
        key: ApiKeyRecord,
    ) -> Result<KeyReplacement> {
        let mut keys = lock(&self.api_keys);
        let by = keys.replaced_by.get(id).cloned();
        let Some(old) = keys.slot(id).and_then(Option::as_mut) else {
            return Ok(KeyReplacement::Missing);
        };
        if let Some(by) = by {
            return Ok(KeyReplacement::ReplacedBefore(by));
        }
        old.expires = Some(old.expires.map_or(expires.0, |before| before.min(expires.0)));
        keys.replaced_by.insert(id.to_owned(), key.id.clone());
        keys.by_digest.insert(digest.clone(), Some(key));
        Ok(KeyReplacement::Replaced)
    }

    async fn note_api_key_uses(&self, uses: &[(ApiKeyDigest, Millis)]) -> Result<()> {
        let mut keys = lock(&self.api_keys);
        for (digest, used) in uses {
            if let Some(Some(key)) = keys.by_digest.get_mut(digest) {
                key.last_used = key.last_used.max(Some(used.0));
            }
        }
        Ok(())
    }

    async fn installation_secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]> {
        Ok(*lock(&self.api_keys).secret.get_or_insert(candidate))
    }
}
