//! When API keys were last used, until the store is told: a call costs no write of the store.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use spiderq_core::{model::Millis, store::ApiKeyDigest};

/// The last use of each API key that was used since [`ApiKeyUses::take`].
#[derive(Debug, Default)]
pub(super) struct ApiKeyUses(Mutex<HashMap<ApiKeyDigest, Millis>>);

impl ApiKeyUses {
    pub(super) fn note(&self, digest: &ApiKeyDigest, now: Millis) {
        let mut uses = self.lock();
        match uses.get_mut(digest) {
            Some(last) => *last = now.max(*last),
            None => {
                uses.insert(digest.clone(), now);
            }
        }
    }

    pub(super) fn take(&self) -> Vec<(ApiKeyDigest, Millis)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApiKeyDigest, Millis>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
