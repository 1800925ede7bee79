//! API keys: creating, listing, revoking and rotating them, and who a caller is.

use super::Domain;
use crate::auth::{Caller, MadeKey, NewKey, RotatedKey};
use spiderq_core::{
    error::{Error, Result},
    limits::{DEFAULT_KEY_KEEP_MS, MAX_KEY_KEEP_MS, MAX_REQUEST_ID_BYTES},
    model::{Actor, ApiKeyRecord, Millis, ProjectId, Quotas, Role, short_text},
};

/// Whose API key a call came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Owner of the API key.
    pub name: Actor,
    /// What calls with it may do.
    pub role: Role,
    /// Numbers of the projects that it reaches; `None`: all.
    pub projects: Option<Vec<u64>>,
}

/// An API key to make.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Its owner.
    pub owner: Actor,
    /// What calls with it may do.
    pub role: Role,
    /// Projects that it reaches.
    pub projects: Vec<ProjectId>,
    /// Whether it reaches all.
    pub all_projects: bool,
    /// How much of a server it may use.
    pub quotas: Quotas,
    /// From when on it is refused; `None`: it never expires.
    pub expires: Option<Millis>,
    /// The caller's id for the call; empty: none.
    pub request_id: String,
}

impl Domain {
    /// Creates an API key, which is shown this once. The same caller's call under the same request
    /// id answers the same API key; nothing of its text is kept for that.
    pub async fn create_key(&self, caller: &Caller, new: NewApiKey) -> Result<MadeKey> {
        caller.may_administer()?;
        let NewApiKey { owner, role, projects, all_projects, expires, quotas, request_id } = new;
        // An admin manages the API keys of all projects, so a bound would promise too much.
        if role == Role::Admin && !projects.is_empty() {
            return Err(Error::invalid("projects", "must be empty for the role admin"));
        }
        match (all_projects, projects.is_empty()) {
            (true, false) => {
                return Err(Error::invalid("projects", "must be empty with all_projects"));
            }
            // A list that was forgotten must not make the widest API key.
            (false, true) if role != Role::Admin => {
                return Err(Error::invalid("projects", "is required, or all_projects"));
            }
            (true, true) | (false, _) => {}
        }
        let mut numbers: Vec<u64> = projects.iter().map(|project| project.get()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let projects = (!projects.is_empty()).then_some(numbers);
        let expires = expires.map(|expires| self.future_time(expires)).transpose()?;
        let new = NewKey { owner, role, projects, expires, quotas };
        if request_id.is_empty() {
            return self.auth.create_key(&new).await;
        }
        short_text(&request_id, MAX_REQUEST_ID_BYTES, "request_id", "must be")?;
        self.auth.create_key_once(&new, (caller.actor(), &request_id)).await
    }

    fn future_time(&self, expires: Millis) -> Result<Millis> {
        let future = Some(expires).filter(|time| *time > self.now());
        future.ok_or_else(|| Error::invalid("expire_time", "must be in the future"))
    }

    /// All API keys, oldest first.
    pub async fn list_keys(&self, caller: &Caller) -> Result<Vec<ApiKeyRecord>> {
        caller.may_administer()?;
        self.store.list_api_keys().await
    }

    /// Revokes the API key with this id: at once in this process, in others within
    /// [`API_KEY_TTL_MS`](spiderq_core::limits::API_KEY_TTL_MS).
    pub async fn revoke_key(&self, caller: &Caller, id: &str) -> Result<()> {
        caller.may_administer()?;
        self.auth.revoke_key(id).await
    }

    /// Makes an API key in place of the one with this id, which is good for `keep_ms` more (`None`:
    /// [`DEFAULT_KEY_KEEP_MS`]): in this process, in others as after a revocation.
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        id: &str,
        keep_ms: Option<i64>,
    ) -> Result<RotatedKey> {
        caller.may_administer()?;
        let keep_ms = match keep_ms.map(u64::try_from) {
            None => DEFAULT_KEY_KEEP_MS,
            Some(Ok(keep_ms @ 0..=MAX_KEY_KEEP_MS)) => keep_ms,
            Some(_) => {
                let accepted = format!("must be from 0 to {MAX_KEY_KEEP_MS} ms");
                return Err(Error::invalid("keep", accepted));
            }
        };
        self.auth.rotate_key(id, keep_ms).await
    }

    /// Tells the store which API keys were used since the last call, and when: at most one write of
    /// the store for each.
    pub async fn note_key_uses(&self) -> Result<()> {
        self.auth.note_uses().await
    }

    /// Whose API key the call came with; [`Error::Forbidden`] for a job token.
    pub fn get_identity(&self, caller: Caller) -> Result<Identity> {
        match caller {
            Caller::Key { name, role, projects, .. } => Ok(Identity { name, role, projects }),
            Caller::Job { .. } => Err(Error::forbidden("a job token has no identity")),
        }
    }
}

#[cfg(test)]
mod tests;
