//! Remembers API keys for seconds, so that authentication costs no store call per request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    model::Millis,
    store::{ApiKeyRecord, KeyDigest},
};

/// How long a revoked key may still be accepted by other processes, ms.
const KEPT: u64 = 5_000;
/// Most keys remembered; beyond that the cache starts anew.
const MOST: usize = 10_000;

/// Good keys only: a new key works at once, and guesses take no memory.
#[derive(Default)]
pub(super) struct KeyCache(Mutex<HashMap<KeyDigest, (Arc<ApiKeyRecord>, Millis)>>);

impl KeyCache {
    pub(super) fn get(&self, digest: &KeyDigest, now: Millis) -> Option<Arc<ApiKeyRecord>> {
        let cache = self.lock();
        let (record, read) = cache.get(digest)?;
        (now.0.abs_diff(read.0) < KEPT).then(|| Arc::clone(record))
    }

    pub(super) fn put(&self, digest: KeyDigest, record: Arc<ApiKeyRecord>, now: Millis) {
        let mut cache = self.lock();
        if cache.len() >= MOST {
            cache.clear();
        }
        cache.insert(digest, (record, now));
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyDigest, (Arc<ApiKeyRecord>, Millis)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyCache(…)")
    }
}
