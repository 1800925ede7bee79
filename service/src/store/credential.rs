//! API keys as a store keeps them. The key's text is never stored.

use std::fmt;

/// Keyed hash of an API key: 64 hexadecimal characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub String);

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(…)")
    }
}

/// What a key may do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees jobs.
    Read,
    /// Also starts jobs and updates those it runs.
    Worker,
    /// Does everything with its projects' jobs.
    User,
    /// Also manages keys and cancels in bulk.
    Admin,
}

impl Role {
    /// All, from least to most.
    pub const ALL: [Self; 4] = [Self::Read, Self::Worker, Self::User, Self::Admin];

    /// Its name: `read`, `worker`, `user` or `admin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Worker => "worker",
            Self::User => "user",
            Self::Admin => "admin",
        }
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
