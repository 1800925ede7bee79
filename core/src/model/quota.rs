//! How much of a server one API key may use.

use std::{collections::BTreeMap, fmt};

use crate::limits::{
    DEFAULT_QUOTA_BURST, DEFAULT_QUOTA_BYTES, DEFAULT_QUOTA_CALLS, DEFAULT_QUOTA_JOBS,
    DEFAULT_QUOTA_PROJECTS, DEFAULT_QUOTA_RATE, DEFAULT_QUOTA_WAITS, DEFAULT_QUOTA_WATCHES,
};

/// What is bounded, for each API key in each server process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quota {
    /// Calls a second, on average.
    Rate,
    /// Calls that may come at once after a pause.
    Burst,
    /// Calls under way, but for those that wait or watch.
    Calls,
    /// StartJob calls that wait for a job.
    Waits,
    /// Open WatchJobs calls.
    Watches,
    /// Projects that come into being by its calls, a day.
    Projects,
    /// Pending and running jobs of a project to which it adds some.
    Jobs,
    /// Bytes of the messages that its calls bring, a second, on average.
    Bytes,
}

impl Quota {
    /// All.
    pub const ALL: [Self; 8] = [
        Self::Rate,
        Self::Burst,
        Self::Calls,
        Self::Waits,
        Self::Watches,
        Self::Projects,
        Self::Jobs,
        Self::Bytes,
    ];

    /// Its name in flags, lists and stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Burst => "burst",
            Self::Calls => "calls",
            Self::Waits => "waits",
            Self::Watches => "watches",
            Self::Projects => "projects",
            Self::Jobs => "jobs",
            Self::Bytes => "bytes",
        }
    }

    /// What holds where neither the API key nor the server says.
    const fn default(self) -> u64 {
        match self {
            Self::Rate => DEFAULT_QUOTA_RATE,
            Self::Burst => DEFAULT_QUOTA_BURST,
            Self::Calls => DEFAULT_QUOTA_CALLS,
            Self::Waits => DEFAULT_QUOTA_WAITS,
            Self::Watches => DEFAULT_QUOTA_WATCHES,
            Self::Projects => DEFAULT_QUOTA_PROJECTS,
            Self::Jobs => DEFAULT_QUOTA_JOBS,
            Self::Bytes => DEFAULT_QUOTA_BYTES,
        }
    }

    /// What a limit of it counts.
    const fn counted(self) -> &'static str {
        match self {
            Self::Rate | Self::Burst => "calls a second",
            Self::Calls => "calls under way",
            Self::Waits => "calls that wait for a job",
            Self::Watches => "open watches",
            Self::Projects => "new projects a day",
            Self::Jobs => "pending and running jobs a project",
            Self::Bytes => "bytes of requests a second",
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.counted())
    }
}

/// The quotas that an API key or a server was given; 0: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotas(BTreeMap<Quota, u64>);

impl Quotas {
    /// Those that are given.
    pub fn new(given: impl IntoIterator<Item = (Quota, Option<u64>)>) -> Self {
        Self(given.into_iter().filter_map(|(quota, most)| Some((quota, most?))).collect())
    }

    /// Those of names that are known: a later version may have kept others.
    pub fn named<'a>(given: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let known = |name: &str| Quota::ALL.into_iter().find(|quota| quota.as_str() == name);
        Self(given.into_iter().filter_map(|(name, most)| Some((known(name)?, most))).collect())
    }

    /// In the order of [`Quota::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Quota, u64)> {
        self.0.iter().map(|(quota, most)| (*quota, *most))
    }

    /// As it was given.
    #[must_use]
    pub fn given(&self, quota: Quota) -> Option<u64> {
        self.0.get(&quota).copied()
    }

    /// What holds for an API key with these quotas on a server with those; `None`: no limit.
    #[must_use]
    pub fn limit(&self, quota: Quota, server: &Self) -> Option<u64> {
        let given = self.given(quota).or_else(|| server.given(quota));
        Some(given.unwrap_or_else(|| quota.default())).filter(|most| *most > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_before_the_server_and_that_before_the_default() {
        let server = Quotas::new([(Quota::Rate, Some(5)), (Quota::Calls, Some(0))]);
        let key = Quotas::named([("rate", 0), ("waits", 7), ("of a later version", 1)]);
        assert_eq!(key.limit(Quota::Rate, &server), None);
        assert_eq!(Quotas::default().limit(Quota::Rate, &server), Some(5));
        assert_eq!(key.limit(Quota::Calls, &server), None);
        assert_eq!(key.limit(Quota::Waits, &server), Some(7));
        assert_eq!(key.limit(Quota::Jobs, &server), Some(DEFAULT_QUOTA_JOBS));
        assert_eq!(key.iter().collect::<Vec<_>>(), [(Quota::Rate, 0), (Quota::Waits, 7)]);
    }
}
