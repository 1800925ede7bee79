//! Users whom a trusted proxy names: each may do what a key of theirs may, or what the operator says
//! that users without a key may.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Auth, api_key_cache::Generation, session::Holder};
use spiderq_core::{
    error::{Error, Result},
    limits::{API_KEY_TTL_MS, API_KEY_TTL_STORE_AWAY_MS},
    model::{Actor, ApiKeyRecord, Millis, Quotas, Role},
};

/// The text of a user's session stays the same for so long, ms, so that what is remembered of
/// credentials by their text is of use.
const SIGNED_AGAIN_MS: u64 = 3_600_000;

/// All API keys, as they were listed a moment ago.
#[derive(Debug)]
struct Listed {
    keys: Arc<Vec<ApiKeyRecord>>,
    at: Millis,
    generation: Generation,
}

/// How users become callers.
#[derive(Debug, Default)]
pub(super) struct Users {
    listed: Mutex<Option<Listed>>,
    /// The role of users without an API key, in all projects; `None`: they are refused.
    default_role: Option<Role>,
}

impl Users {
    fn recall(
        &self,
        now: Millis,
        for_ms: u64,
        generation: Generation,
    ) -> Option<Arc<Vec<ApiKeyRecord>>> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = listed.as_ref().filter(|listed| listed.generation == generation)?;
        (now.0.abs_diff(listed.at.0) < for_ms).then(|| Arc::clone(&listed.keys))
    }
}

impl Auth {
    /// With this role, in all projects, for users whom a trusted proxy names and who have no key.
    #[must_use]
    pub fn with_user_role(mut self, role: Option<Role>) -> Self {
        self.users.default_role = role;
        self
    }

    /// Credentials for a user whom a trusted proxy names. They must not leave the process.
    pub fn user_session(&self, name: &str) -> Result<String> {
        let begun = self.clock.now().0 / SIGNED_AGAIN_MS * SIGNED_AGAIN_MS;
        let end = Millis(begun + SIGNED_AGAIN_MS + self.sessions.lifetime_ms);
        self.sessions.sign(Holder::User(name.to_owned()), end)
    }

    /// What a user may do: as with the key of theirs that may do most, of those the oldest.
    pub(super) async fn user_record(&self, name: &str) -> Result<Arc<ApiKeyRecord>> {
        let name = Actor::parse(name).map_err(|_| Error::Unauthenticated)?;
        let now = self.clock.now();
        let keys = self.listed_keys(now).await?;
        let own = keys.iter().filter(|key| key.name == name.as_str() && !key.has_expired(now));
        // The first of those that are equal is the oldest.
        let best = own.rev().max_by_key(|key| (key.role, key.projects.is_none()));
        let default = || {
            let role = self.users.default_role?;
            Some(ApiKeyRecord {
                id: format!("proxy:{name}"),
                name: name.to_string(),
                role,
                projects: None,
                created: 0,
                quotas: Quotas::default(),
                expires: None,
                last_used: None,
            })
        };
        best.cloned().or_else(default).map(Arc::new).ok_or(Error::Unauthenticated)
    }

    async fn listed_keys(&self, now: Millis) -> Result<Arc<Vec<ApiKeyRecord>>> {
        let generation = self.cache.generation();
        if let Some(keys) = self.users.recall(now, API_KEY_TTL_MS, generation) {
            return Ok(keys);
        }
        let keys = match self.store.list_api_keys().await {
            Ok(keys) => Arc::new(keys),
            Err(away @ Error::Unavailable { .. }) => {
                let known = self.users.recall(now, API_KEY_TTL_STORE_AWAY_MS, generation);
                return known.ok_or(away);
            }
            Err(error) => return Err(error),
        };
        let listed = Listed { keys: Arc::clone(&keys), at: now, generation };
        *self.users.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed);
        Ok(keys)
    }
}

#[cfg(test)]
mod tests;
