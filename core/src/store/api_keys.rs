//! API keys and the secret of the installation. The text of a key is never stored.

use std::fmt;

use async_trait::async_trait;

use crate::{error::Result, model::Role};

/// Keyed hash of an API key: 64 hexadecimal characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiKeyDigest(pub String);

impl fmt::Debug for ApiKeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyDigest(…)")
    }
}

/// An API key without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Names the key; no secret.
    pub id: String,
    /// Its owner.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where it may do it; `None`: everywhere.
    pub projects: Option<Vec<u64>>,
    /// When it was made, ms since the epoch.
    pub created: u64,
}

/// Keeps API keys.
#[async_trait]
pub trait ApiKeyStore: Send + Sync + fmt::Debug {
    /// Keeps a key. One with the same digest is replaced.
    async fn put_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<()>;

    /// Keeps a key if there is none at all; whether it did. Atomic over processes.
    async fn put_first_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool>;

    /// The key with this digest.
    async fn find_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>>;

    /// All keys, oldest first; equal times by id.
    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>>;

    /// Removes the key with this id; whether there was one.
    async fn remove_api_key(&self, id: &str) -> Result<bool>;

    /// The secret of this installation: `candidate` if none is kept yet (it is then),
    /// else the one kept. The same in every process on the same store.
    async fn secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]>;
}
