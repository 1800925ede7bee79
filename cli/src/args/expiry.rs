//! Spans and dates of flags: `30d`, `2030-01-31`.

use std::time::Duration;

use spiderq_core::limits::MAX_KEY_KEEP_MS;
use time::{Date, Month};

/// When a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// So long after now.
    After(Duration),
    /// So long after the Unix epoch.
    At(Duration),
}

const SECONDS_PER_DAY: u64 = 24 * 3_600;

/// A span, or a day.
pub(crate) fn parse(text: &str) -> Result<Expiry, String> {
    let found = span(text).ok().map(Expiry::After).or_else(|| day(text).map(Expiry::At));
    found.ok_or_else(|| "must be a span such as 30d, 12h or 90m, or a date YYYY-MM-DD".to_owned())
}

/// A number of days, hours, minutes or seconds.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let units = [("d", SECONDS_PER_DAY), ("h", 3_600), ("m", 60), ("s", 1)];
    let found = units.iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = is_number.then(|| number.parse().ok()).flatten()?;
        Some(Duration::from_secs(u64::from(number) * seconds))
    });
    found.ok_or_else(|| "must be a span such as 7d, 12h, 90m or 30s".to_owned())
}

/// A span for which a key that was replaced may be kept.
pub(crate) fn keep(text: &str) -> Result<Duration, String> {
    let keep = span(text)?;
    let most = Duration::from_millis(MAX_KEY_KEEP_MS);
    let days = most.as_secs() / SECONDS_PER_DAY;
    if keep <= most { Ok(keep) } else { Err(format!("must be at most {days}d")) }
}

/// The beginning of a day from 1970 on, in UTC.
fn day(text: &str) -> Option<Duration> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let number = |text: &str, length| {
        let good = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| text.parse::<u16>().ok()).flatten()
    };
    let year = number(year, 4).filter(|year| *year >= 1970)?;
    let month = Month::try_from(u8::try_from(number(month, 2)?).ok()?).ok()?;
    let day = u8::try_from(number(day, 2)?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, day).ok()?;
    let seconds = date.midnight().assume_utc().unix_timestamp();
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_for_30_days_at_most() {
        assert_eq!(keep("30d"), Ok(Duration::from_secs(30 * SECONDS_PER_DAY)));
        assert_eq!(keep("721h"), Err("must be at most 30d".to_owned()));
    }

    #[test]
    fn spans_and_days_are_read() {
        let after = |seconds| Ok(Expiry::After(Duration::from_secs(seconds)));
        let at = |days: u64| Ok(Expiry::At(Duration::from_secs(days * SECONDS_PER_DAY)));
        for (text, expiry) in [
            ("30d", after(30 * 86_400)),
            ("12h", after(12 * 3_600)),
            ("90m", after(5_400)),
            ("0s", after(0)),
            ("1970-01-01", at(0)),
            ("2000-02-29", at(11_016)),
            ("2026-11-30", at(20_787)),
        ] {
            assert_eq!(parse(text), expiry, "{text}");
        }
        for text in [
            "",
            "d",
            "30",
            "-1d",
            "+1d",
            "1.5h",
            "1w",
            "99999999999d",
            "2026-13-01",
            "2026-02-29",
            "2026-00-01",
            "2026-01-00",
            "2026-1-1",
            "1969-12-31",
            "2026-01-01T00:00:00Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
