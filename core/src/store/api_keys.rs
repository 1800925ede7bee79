//! API keys and the secret of the installation. The text of an API key is never stored.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;
pub use crate::model::ApiKeyRecord;

/// Keyed hash of an API key: 64 hexadecimal characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiKeyDigest(pub String);

impl fmt::Debug for ApiKeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyDigest(…)")
    }
}

/// Keeps API keys, of all projects.
#[async_trait]
pub trait ApiKeyStore: Send + Sync + fmt::Debug {
    /// Keeps an API key; whether it did. One with the same digest that is kept already, or that was
    /// removed, stays as it is.
    async fn put_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool>;

    /// Keeps an API key if the store has none at all; whether it did. Atomic over processes.
    async fn put_first_api_key(&self, digest: &ApiKeyDigest, key: ApiKeyRecord) -> Result<bool>;

    /// The API key with this digest; `None` for one that was never created or was revoked.
    async fn get_api_key(&self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>>;

    /// All API keys, oldest first; equal times by id.
    async fn list_api_keys(&self) -> Result<Vec<ApiKeyRecord>>;

    /// Removes the API key with this id for good; whether there was one.
    async fn remove_api_key(&self, id: &str) -> Result<bool>;

    /// The secret of this installation, the same in every process on the store. The first call
    /// keeps its `candidate`; every later one gets that.
    async fn installation_secret(&self, candidate: [u8; 32]) -> Result<[u8; 32]>;
}
