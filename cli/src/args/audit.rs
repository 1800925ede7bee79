//! Flags of `spiderq audit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spiderq_core::{Clock as _, SystemClock};
use spiderq_proto::{Timestamp, time::timestamp};

use super::{Connection, Secret};

#[derive(Args, Clone, Debug)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// An API key of role admin.
    #[arg(long, env = "SPIDERQ_ADMIN_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) admin_key: Option<Secret>,
    /// A file that holds that key, so that neither the command line nor the environment shows it;
    /// `-`: standard input.
    #[arg(long, env = "SPIDERQ_ADMIN_KEY_FILE", value_name = "FILE", conflicts_with = "admin_key")]
    pub(crate) admin_key_file: Option<PathBuf>,
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
    /// Events of this gRPC call, as `StopJobs`.
    #[arg(long, value_name = "CALL", default_value = "")]
    pub(crate) call: String,
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
    let now = i64::try_from(SystemClock.now().0).unwrap_or(i64::MAX);
    let past = ago_ms(text).map(|ago| timestamp(now.saturating_sub(ago)));
    past.or_else(|| text.parse().ok()).ok_or_else(|| accepted.to_owned())
}

/// `90m`, `36h` or `7d` in ms.
fn ago_ms(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(i64::from(number.parse::<u32>().ok()?).saturating_mul(unit_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_times_or_how_long_ago() {
        let midnight = time("2026-11-30").unwrap();
        assert_eq!(time("2026-11-30T00:00:00Z").unwrap(), midnight);
        assert_eq!(time("2026-11-30T01:00:00+01:00").unwrap(), midnight);
        assert_eq!(ago_ms("90m"), Some(5_400_000));
        assert_eq!(ago_ms("7d"), Some(604_800_000));
        assert!(time("7d").unwrap().seconds > midnight.seconds - 7 * 86_400);
        for bad in ["", "d", "-1d", "1.5h", "yesterday", "2026-13-01", "1ä"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
