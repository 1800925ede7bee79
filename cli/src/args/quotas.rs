//! Quotas: those of a server, for API keys without any of their own, and those of an API key.

use clap::{Args, value_parser};
use spiderq_core::{
    limits::MAX_QUOTA,
    model::{Quota, Quotas},
};
use spiderq_proto::v1;

use super::size::size;

fn most() -> clap::builder::RangedU64ValueParser {
    value_parser!(u64).range(..=MAX_QUOTA)
}

fn bytes_a_second(text: &str) -> Result<u64, String> {
    match size(0)(text)? {
        bytes @ 0..=MAX_QUOTA => Ok(bytes),
        _ => Err(format!("must be at most {MAX_QUOTA}")),
    }
}

/// Flags of `serve` and `service`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerQuotas {
    /// Calls a second that an API key may make, on average; 0: no limit. This and the other
    /// quotas hold for each key on each server process, unless the key has its own. Default: 10000.
    #[arg(long = "quota-rate", env = "SPIDERQ_QUOTA_RATE", value_name = "N", value_parser = most())]
    rate: Option<u64>,
    /// Calls that a key may make at once after a pause. Default: 30000.
    #[arg(long = "quota-burst", env = "SPIDERQ_QUOTA_BURST", value_name = "N", value_parser = most())]
    burst: Option<u64>,
    /// Calls of a key under way, but for those that wait or watch. Default: 2000.
    #[arg(long = "quota-calls", env = "SPIDERQ_QUOTA_CALLS", value_name = "N", value_parser = most())]
    calls: Option<u64>,
    /// Calls of a key that wait for a job. Default: 10000.
    #[arg(long = "quota-waits", env = "SPIDERQ_QUOTA_WAITS", value_name = "N", value_parser = most())]
    waits: Option<u64>,
    /// Watches of a key at a time. Default: 10000.
    #[arg(long = "quota-watches", env = "SPIDERQ_QUOTA_WATCHES", value_name = "N", value_parser = most())]
    watches: Option<u64>,
    /// New projects that come into being by the calls of a key, a day. Default: 10000.
    #[arg(long = "quota-projects", env = "SPIDERQ_QUOTA_PROJECTS", value_name = "N", value_parser = most())]
    projects: Option<u64>,
    /// Pending and running jobs of a project to which a key adds some. Default: 10000000.
    #[arg(long = "quota-jobs", env = "SPIDERQ_QUOTA_JOBS", value_name = "N", value_parser = most())]
    jobs: Option<u64>,
    /// Bytes of the messages that a key's calls bring a second, on average. Default: 67108864.
    #[arg(long = "quota-bytes", env = "SPIDERQ_QUOTA_BYTES", value_name = "SIZE", value_parser = bytes_a_second)]
    bytes: Option<u64>,
}

impl From<ServerQuotas> for Quotas {
    fn from(flags: ServerQuotas) -> Self {
        Self::new([
            (Quota::Rate, flags.rate),
            (Quota::Burst, flags.burst),
            (Quota::Calls, flags.calls),
            (Quota::Waits, flags.waits),
            (Quota::Watches, flags.watches),
            (Quota::Projects, flags.projects),
            (Quota::Jobs, flags.jobs),
            (Quota::Bytes, flags.bytes),
        ])
    }
}

/// Flags of `key create`.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyQuotas {
    /// Calls a second that the key may make, on average; 0: no limit. This and the other quotas
    /// are as the server says where they are not given.
    #[arg(long, value_name = "N", value_parser = most())]
    rate: Option<u64>,
    /// Calls that it may make at once after a pause.
    #[arg(long, value_name = "N", value_parser = most())]
    burst: Option<u64>,
    /// Its calls under way, but for those that wait or watch.
    #[arg(long, value_name = "N", value_parser = most())]
    calls: Option<u64>,
    /// Its calls that wait for a job.
    #[arg(long, value_name = "N", value_parser = most())]
    waits: Option<u64>,
    /// Its watches at a time.
    #[arg(long, value_name = "N", value_parser = most())]
    watches: Option<u64>,
    /// New projects that come into being by its calls, a day.
    #[arg(long, value_name = "N", value_parser = most())]
    new_projects: Option<u64>,
    /// Pending and running jobs of a project to which it adds some.
    #[arg(long, value_name = "N", value_parser = most())]
    jobs: Option<u64>,
    /// Bytes of the messages that its calls bring a second, on average.
    #[arg(long, value_name = "SIZE", value_parser = bytes_a_second)]
    bytes: Option<u64>,
}

impl From<KeyQuotas> for v1::Quotas {
    fn from(flags: KeyQuotas) -> Self {
        let given = |most: Option<u64>| most.and_then(|most| i64::try_from(most).ok());
        Self {
            rate: given(flags.rate),
            burst: given(flags.burst),
            calls: given(flags.calls),
            waits: given(flags.waits),
            watches: given(flags.watches),
            projects: given(flags.new_projects),
            jobs: given(flags.jobs),
            bytes: given(flags.bytes),
        }
    }
}
