//! API keys and the secret of the installation. The text of an API key is never stored.

use std::fmt;

use async_trait::async_trait;

pub use crate::model::ApiKeyRecord;
use crate::{error::Result, model::Millis};

/// Keyed hash of an API key: 64 hexadecimal characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiKeyDigest(pub String);

impl fmt::Debug for ApiKeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyDigest(…)")
    }
}

/// What became of an API key to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRemoval {
    /// It is gone for good.
    Removed,
    /// There is none with this id.
    Missing,
    /// It stays: it is the last [lasting admin key](ApiKeyRecord::is_lasting_admin).
    LastAdmin,
}

/// What became of an API key to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyReplacement {
    /// It expires, and the new one is kept.
    Replaced,
    /// There is none with this id.
    Missing,
    /// It was replaced before, by the API key with this id. Nothing was done.
    ReplacedBefore(String),
}

/// Keeps API keys, of all projects.
#[async_trait]
pub trait ApiKeyStore: Send + Sync + fmt::Debug {
    /// Keeps an API key; whether it did. One with the same digest that is kept already, or that was
    /// removed, stays as it is.
    async fn put_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool>;

    /// Keeps an API key if the store has none at all; whether it did. Atomic over processes.
    async fn put_first_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool>;

    /// The API key with this digest, without `last_used`; `None` for one that was never created or
    /// was revoked.
    async fn get_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>>;

    /// All API keys, those that have expired too, oldest first; equal times by id.
    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>>;

    /// Removes the API key with this id for good. With `keep_admin` the same step looks whether it
    /// is the last lasting admin key, which then stays.
    async fn remove_api_key(&self, id: &str, keep_admin: bool) -> Result<KeyRemoval>;

    /// Keeps a new API key and lets the one with this id expire at `expires`, if it does not before,
    /// in one step. An API key is replaced once.
    async fn replace_api_key(
        &self,
        id: &str,
        expires: Millis,
        digest: &ApiKeyDigest,
        key: ApiKeyRecord,
    ) -> Result<KeyReplacement>;

    /// Notes when API keys were used. A later time that is noted already stays; what was removed
    /// stays removed.
    async fn note_api_key_uses(&self, uses: &[(ApiKeyDigest, Millis)]) -> Result<()>;

    /// The secret of this installation, the same in every process on the store. The first call
    /// keeps its `candidate`; every later one gets that.
    async fn installation_secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]>;
}
