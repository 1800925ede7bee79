//! Roles of API keys.

/// What a key may do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees jobs.
    Read,
    /// Also starts jobs and updates those that it runs.
    Worker,
    /// Does everything with its projects' jobs.
    User,
    /// Also manages API keys and cancels in bulk.
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
