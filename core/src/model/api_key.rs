//! API keys as they are listed: without their text.

use super::{Millis, Quotas, Role};

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
    /// From when on it is refused, ms since the Unix epoch; `None`: it never expires.
    pub expires: Option<u64>,
    /// When it was last used, ms since the Unix epoch, to about a minute; `None`: not yet.
    pub last_used: Option<u64>,
}

impl ApiKeyRecord {
    /// Whether it is refused at `now`, though it was not revoked.
    #[must_use]
    pub fn has_expired(&self, now: Millis) -> bool {
        self.expires.is_some_and(|expires| now.0 >= expires)
    }

    /// Whether it is one of the API keys of which a store must keep one: an admin's, for good.
    #[must_use]
    pub fn is_lasting_admin(&self) -> bool {
        self.role == Role::Admin && self.expires.is_none()
    }
}
