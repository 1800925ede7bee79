//! Remembers API keys for seconds, so that authentication costs no call of the store for each
//! request, and for a minute while the store can't be asked about them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use spiderq_core::{
    limits::{API_KEY_TTL_MS, API_KEY_TTL_STORE_AWAY_MS, MAX_CACHED_API_KEYS},
    model::{ApiKeyRecord, Millis},
    store::ApiKeyDigest,
};
use tokio::sync::watch;

/// How long after a failed read of the store it is not asked again about that API key, ms.
const RETRY_AFTER_MS: u64 = 1_000;

struct Entry {
    record: Arc<ApiKeyRecord>,
    /// When the store last confirmed it.
    read: Millis,
    /// The store is not asked again from here …
    good_from: Millis,
    /// … for so long, ms.
    good_for: u64,
}

/// Holds valid API keys only: a new one works at once, and guessed ones take no memory.
#[derive(Default)]
pub(super) struct ApiKeyCache {
    entries: Mutex<Entries>,
    /// Changes with each [`ApiKeyCache::clear`].
    cleared: watch::Sender<()>,
}

#[derive(Default)]
struct Entries {
    by_digest: HashMap<ApiKeyDigest, Entry>,
    /// How often [`ApiKeyCache::clear`] was called.
    generation: u64,
}

/// When a read of the store began: before or after a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl ApiKeyCache {
    /// To be asked before the store is read for [`ApiKeyCache::put`].
    pub(super) fn generation(&self) -> Generation {
        Generation(self.lock().generation)
    }

    /// An API key that the store need not be asked about.
    pub(super) fn get(&self, digest: &ApiKeyDigest, now: Millis) -> Option<Arc<ApiKeyRecord>> {
        let cache = self.lock();
        let entry = cache.by_digest.get(digest)?;
        let age = now.0.abs_diff(entry.good_from.0);
        (age < entry.good_for).then(|| Arc::clone(&entry.record))
    }

    /// An API key that was valid a short while ago, for when the store does not answer.
    pub(super) fn get_without_store(
        &self,
        digest: &ApiKeyDigest,
        now: Millis,
    ) -> Option<Arc<ApiKeyRecord>> {
        let mut cache = self.lock();
        let entry = cache.by_digest.get_mut(digest)?;
        if now.0.abs_diff(entry.read.0) >= API_KEY_TTL_STORE_AWAY_MS {
            return None;
        }
        (entry.good_from, entry.good_for) = (now, RETRY_AFTER_MS);
        Some(Arc::clone(&entry.record))
    }

    /// Keeps what a read of the store found that began in `read_in`, unless an API key was revoked
    /// since: the read may have seen it before.
    pub(super) fn put(
        &self,
        digest: ApiKeyDigest,
        record: Arc<ApiKeyRecord>,
        now: Millis,
        read_in: Generation,
    ) {
        let mut cache = self.lock();
        if cache.generation != read_in.0 {
            return;
        }
        if cache.by_digest.len() >= MAX_CACHED_API_KEYS {
            cache.by_digest.clear();
        }
        let entry = Entry { record, read: now, good_from: now, good_for: API_KEY_TTL_MS };
        cache.by_digest.insert(digest, entry);
    }

    pub(super) fn remove(&self, digest: &ApiKeyDigest) {
        self.lock().by_digest.remove(digest);
    }

    /// Forgets all, and what reads that are under way will find.
    pub(super) fn clear(&self) {
        let mut cache = self.lock();
        cache.by_digest.clear();
        cache.generation += 1;
        drop(cache);
        self.cleared.send_replace(());
    }

    /// Changes when an API key was revoked or rotated, from now on.
    pub(super) fn revocations(&self) -> watch::Receiver<()> {
        self.cleared.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ApiKeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeyCache(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spiderq_core::model::Role;

    fn record() -> Arc<ApiKeyRecord> {
        Arc::new(ApiKeyRecord {
            id: "d".to_owned(),
            name: "ann".to_owned(),
            role: Role::User,
            projects: None,
            created: 0,
            quotas: Default::default(),
            expires: None,
            last_used: None,
        })
    }

    #[test]
    fn what_was_read_before_a_revocation_is_not_remembered_after_it() {
        let cache = ApiKeyCache::default();
        let digest = ApiKeyDigest("d".to_owned());
        let before = cache.generation();
        cache.clear();
        cache.put(digest.clone(), record(), Millis(0), before);
        assert!(cache.get(&digest, Millis(0)).is_none());
        cache.put(digest.clone(), record(), Millis(0), cache.generation());
        assert!(cache.get(&digest, Millis(0)).is_some());
    }

    #[test]
    fn an_api_key_is_remembered_for_seconds_and_without_a_store_for_a_minute() {
        let cache = ApiKeyCache::default();
        let digest = ApiKeyDigest("d".to_owned());
        let known = |now| cache.get(&digest, Millis(now)).is_some();
        let without_store = |now| cache.get_without_store(&digest, Millis(now)).is_some();
        assert!(!known(0) && !without_store(0));
        cache.put(digest.clone(), record(), Millis(1_000), cache.generation());
        assert!(known(5_999) && !known(6_000));
        assert!(without_store(6_000));
        assert!(known(6_999) && !known(7_000));
        assert!(without_store(60_999) && !without_store(61_000));
        cache.remove(&digest);
        assert!(!without_store(2_000));
    }
}
