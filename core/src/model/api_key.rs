//! API keys as they are listed: without their text.

use super::{Quotas, Role};

/// What a store keeps of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Names the API key in lists and when it is revoked; no secret.
    pub id: String,
    /// The person or team that it belongs to.
    pub name: String,
    /// What calls with it may do.
    pub role: Role,
    /// Numbers of the projects that it reaches; `None`: all.
    pub projects: Option<Vec<u64>>,
    /// When it was created, ms since the Unix epoch.
    pub created: u64,
    /// How much of a server calls with it may use, where it is not as the server says.
    pub quotas: Quotas,
}
