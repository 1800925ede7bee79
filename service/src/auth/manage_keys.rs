//! Making, revoking and rotating API keys. Who may, the domain says.

use super::{ApiKey, Auth};
use spiderq_core::{
    error::{Error, ResourceKind, Result},
    model::{Actor, ApiKeyRecord, Millis, Quotas, Role},
    store::{ApiKeyDigest, KeyRemoval, KeyReplacement},
};

/// An API key to make.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its owner.
    pub owner: Actor,
    /// What calls with it may do.
    pub role: Role,
    /// Numbers of the projects that it reaches; `None`: all.
    pub projects: Option<Vec<u64>>,
    /// From when on it is refused; `None`: it never expires.
    pub expires: Option<Millis>,
    /// How much of a server calls with it may use.
    pub quotas: Quotas,
}

/// An API key that was made, with its text, and what is kept of it.
pub type MadeKey = (ApiKey, ApiKeyRecord);

/// What a rotation leads to.
#[derive(Debug)]
pub struct RotatedKey {
    /// The new API key.
    pub made: MadeKey,
    /// The one that it replaces, as it is kept now.
    pub replaced: ApiKeyRecord,
}

impl Auth {
    /// Creates an API key and keeps its hash.
    pub async fn create_key(&self, new: &NewKey) -> Result<MadeKey> {
        let (digest, made) = self.new_key(new)?;
        self.store.put_api_key(&digest, made.1.clone()).await?;
        Ok(made)
    }

    /// The same for a caller's request id: called again, it answers the API key of the first
    /// call. [`Error::RequestIdReused`] where that was made of another `new`, is revoked or rotated.
    pub async fn create_key_once(
        &self,
        new: &NewKey,
        (caller, request_id): (&Actor, &str),
    ) -> Result<MadeKey> {
        let key = self.hasher.key_of_request(caller, request_id);
        let digest = self.hasher.digest(&key);
        let record = self.record(&digest, new);
        if self.store.put_api_key(&digest, record.clone()).await? {
            return Ok((key, record));
        }
        let found = self.store.get_api_key(&digest).await?.ok_or(Error::RequestIdReused)?;
        let (created, last_used) = (found.created, found.last_used);
        let is_same = ApiKeyRecord { created, last_used, ..record } == found;
        if is_same { Ok((key, found)) } else { Err(Error::RequestIdReused) }
    }

    /// Creates an admin key if the store has no API key at all.
    pub async fn create_first_key(&self) -> Result<Option<ApiKey>> {
        let (owner, role) = (Actor::parse("admin")?, Role::Admin);
        let (digest, (key, record)) = self.new_key(&NewKey {
            owner,
            role,
            projects: None,
            expires: None,
            quotas: Quotas::default(),
        })?;
        let first = self.store.put_first_api_key(&digest, record).await?;
        Ok(first.then_some(key))
    }

    /// Revokes an API key: at once in this process, in others when they ask the store again.
    pub async fn revoke_key(&self, id: &str) -> Result<()> {
        let keep_admin = self.configured.is_none();
        let removal = self.store.remove_api_key(id, keep_admin).await;
        // A call that failed may have been done.
        self.cache.clear();
        match removal? {
            KeyRemoval::Removed => Ok(()),
            KeyRemoval::Missing => Err(no_key()),
            KeyRemoval::LastAdmin => Err(Error::LastAdminKey),
        }
    }

    /// Makes an API key like the one with this id, which expires after `keep_ms`. The new one is
    /// good for as long as that one was made to be, from now on: a rotation makes no API key that
    /// was to expire one that does not. [`Error::KeyReplaced`] where it was rotated before: what is
    /// left of its life would be the new one's.
    pub async fn rotate_key(&self, id: &str, keep_ms: u64) -> Result<RotatedKey> {
        let now = self.clock.now();
        let keys = self.store.list_api_keys().await?;
        let mut old = keys.into_iter().find(|key| key.id == id).ok_or_else(no_key)?;
        if old.has_expired(now) {
            return Err(Error::invalid("id", "must be that of a key that has not expired"));
        }
        let life = old.expires.map(|expires| expires.saturating_sub(old.created));
        let (digest, made) = self.new_key(&NewKey {
            owner: Actor::parse(&old.name).map_err(|_| Error::bug("key with a bad name"))?,
            role: old.role,
            projects: old.projects.clone(),
            expires: life.map(|life| Millis(now.0 + life)),
            quotas: old.quotas.clone(),
        })?;
        let ends = Millis(now.0 + keep_ms);
        let replaced = self.store.replace_api_key(id, ends, &digest, made.1.clone()).await;
        self.cache.clear();
        match replaced? {
            KeyReplacement::Replaced => {}
            KeyReplacement::Missing => return Err(no_key()),
            KeyReplacement::ReplacedBefore(by) => return Err(Error::KeyReplaced(by)),
        }
        old.expires = Some(old.expires.map_or(ends.0, |expires| expires.min(ends.0)));
        Ok(RotatedKey { made, replaced: old })
    }

    fn new_key(&self, new: &NewKey) -> Result<(ApiKeyDigest, MadeKey)> {
        let key = ApiKey::random()?;
        let digest = self.hasher.digest(&key);
        let record = self.record(&digest, new);
        Ok((digest, (key, record)))
    }

    fn record(&self, digest: &ApiKeyDigest, new: &NewKey) -> ApiKeyRecord {
        ApiKeyRecord {
            id: digest.0[..8].to_owned(),
            name: new.owner.as_str().to_owned(),
            role: new.role,
            projects: new.projects.clone(),
            created: self.clock.now().0,
            expires: new.expires.map(|expires| expires.0),
            last_used: None,
            quotas: new.quotas.clone(),
        }
    }
}

/// The message does not repeat the id: by mistake it may be the text of an API key.
fn no_key() -> Error {
    let message = "there is no key with this id".to_owned();
    Error::NotFound { message, kind: ResourceKind::ApiKey, name: String::new() }
}
