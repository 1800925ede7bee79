//! Flags of `spiderq audit`.

use std::time::Duration;

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use spiderq_core::{Clock as _, SystemClock, model::AUDITED_CALLS};
use spiderq_proto::{Timestamp, time::timestamp};

use super::{AdminKey, Connection, expiry};

#[derive(Args, Clone, Debug)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) admin_key: AdminKey,
    /// Events of this time or later: `2026-11-30`, `2026-11-30T09:00:00Z`, or how long ago, as
    /// `90m`, `36h` or `7d`. Default: all that are kept.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Events before this time, given in the same ways. Default: up to now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Events of this key owner.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) owner: String,
    /// Events of this gRPC call; `Authenticate`: failed authentications.
    #[arg(long, value_name = "CALL", value_parser = PossibleValuesParser::new(AUDITED_CALLS))]
    pub(crate) call: Option<String>,
    /// Events of this project.
    #[arg(long, value_name = "ID", default_value = "0", hide_default_value = true)]
    pub(crate) project: i64,
    /// Most events to print; 0: all.
    #[arg(long, short = 'n', value_name = "N", default_value = "100")]
    pub(crate) limit: u64,
    /// How to print them.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Lines for people
    Table,
    /// A JSON object per line
    Json,
}

fn time(text: &str) -> Result<Timestamp, String> {
    let accepted = "must be a time such as 2026-11-30, 2026-11-30T09:00:00Z or 36h";
    let past = |ago: Duration| {
        let since_epoch = Duration::from_millis(SystemClock.now().0).saturating_sub(ago);
        timestamp(since_epoch.as_millis().try_into().unwrap_or(i64::MAX))
    };
    let past = expiry::span(text).ok().map(past);
    past.or_else(|| text.parse().ok()).ok_or_else(|| accepted.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_times_or_how_long_ago() {
        let midnight = time("2026-11-30").unwrap();
        assert_eq!(time("2026-11-30T00:00:00Z").unwrap(), midnight);
        assert_eq!(time("2026-11-30T01:00:00+01:00").unwrap(), midnight);
        assert!(time("7d").unwrap().seconds > midnight.seconds - 7 * 86_400);
        for bad in ["", "d", "-1d", "1.5h", "+1d", "yesterday", "2026-13-01", "1ä"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
