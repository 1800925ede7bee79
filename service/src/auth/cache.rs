//! Remembers API keys for seconds, so that authentication costs no store call per request,
//! and for a minute while the store cannot say anything new of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use spiderq_core::{
    model::Millis,
    store::{ApiKeyDigest, ApiKeyRecord},
};

/// How long a revoked key may still be accepted by other processes, ms.
const KEPT: u64 = 5_000;
/// How long a key is accepted that the store cannot be asked about, ms: in a Cluster the keys
/// may be on a master that is away while the jobs are not.
const KEPT_WITHOUT_STORE: u64 = 60_000;
/// How long after that the store is asked again, ms.
const AGAIN: u64 = 1_000;
/// Most keys remembered; beyond that the cache starts anew.
const MOST: usize = 10_000;

struct Entry {
    record: Arc<ApiKeyRecord>,
    /// When the store last said so.
    read: Millis,
    /// It is not asked again from here …
    good_from: Millis,
    /// … for so long, ms.
    good_for: u64,
}

/// Good keys only: a new key works at once, and guesses take no memory.
#[derive(Default)]
pub(super) struct KeyCache(Mutex<HashMap<ApiKeyDigest, Entry>>);

impl KeyCache {
    /// A key that need not be looked up.
    pub(super) fn get(&self, digest: &ApiKeyDigest, now: Millis) -> Option<Arc<ApiKeyRecord>> {
        let cache = self.lock();
        let entry = cache.get(digest)?;
        let age = now.0.abs_diff(entry.good_from.0);
        (age < entry.good_for).then(|| Arc::clone(&entry.record))
    }

    /// A key that was good a short while ago, for when the store does not answer.
    pub(super) fn get_without_store(
        &self,
        digest: &ApiKeyDigest,
        now: Millis,
    ) -> Option<Arc<ApiKeyRecord>> {
        let mut cache = self.lock();
        let entry = cache.get_mut(digest)?;
        if now.0.abs_diff(entry.read.0) >= KEPT_WITHOUT_STORE {
            return None;
        }
        (entry.good_from, entry.good_for) = (now, AGAIN);
        Some(Arc::clone(&entry.record))
    }

    pub(super) fn put(&self, digest: ApiKeyDigest, record: Arc<ApiKeyRecord>, now: Millis) {
        let mut cache = self.lock();
        if cache.len() >= MOST {
            cache.clear();
        }
        let entry = Entry { record, read: now, good_from: now, good_for: KEPT };
        cache.insert(digest, entry);
    }

    /// The store knows no such key any more.
    pub(super) fn remove(&self, digest: &ApiKeyDigest) {
        self.lock().remove(digest);
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApiKeyDigest, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyCache(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spiderq_core::model::Role;

    #[test]
    fn a_key_is_good_for_seconds_and_without_a_store_for_a_minute() {
        let cache = KeyCache::default();
        let digest = ApiKeyDigest("d".to_owned());
        let record = Arc::new(ApiKeyRecord {
            id: "d".to_owned(),
            name: "ann".to_owned(),
            role: Role::User,
            projects: None,
            created: 0,
        });
        let known = |now| cache.get(&digest, Millis(now)).is_some();
        let without_store = |now| cache.get_without_store(&digest, Millis(now)).is_some();
        assert!(!known(0) && !without_store(0));
        cache.put(digest.clone(), record, Millis(1_000));
        assert!(known(5_999) && !known(6_000));
        assert!(without_store(6_000));
        assert!(known(6_999) && !known(7_000));
        assert!(without_store(60_999) && !without_store(61_000));
        cache.remove(&digest);
        assert!(!without_store(2_000));
    }
}
