//! Times as milliseconds, and as the dash family writes them: ISO 8601, whole seconds, UTC, without
//! a zone.

use spiderq_proto::{Timestamp, time::timestamp_ms};
use time::{Duration, OffsetDateTime};

/// Milliseconds since the Unix epoch; 0 where there is no time.
pub(crate) fn ms(time: Option<&Timestamp>) -> i64 {
    time.map_or(0, timestamp_ms)
}

/// `2015-11-09 15:21:06`, as in log files.
pub(crate) fn log_time(millis: i64) -> String {
    iso_seconds(millis).replace('T', " ")
}

/// `2015-11-09T15:21:06` of milliseconds since the Unix epoch. Ends with the year 9999.
pub(super) fn iso_seconds(millis: i64) -> String {
    let time = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(millis));
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days_and_centuries() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00"),
            (1_447_082_466_999, "2015-11-09T15:21:06"),
            (951_782_399_000, "2000-02-28T23:59:59"),
            (951_782_400_000, "2000-02-29T00:00:00"),
            (951_868_800_000, "2000-03-01T00:00:00"),
            (1_709_164_800_000, "2024-02-29T00:00:00"),
            (4_107_542_399_000, "2100-02-28T23:59:59"),
            (4_107_542_400_000, "2100-03-01T00:00:00"),
            (-1, "1969-12-31T23:59:59"),
            (i64::MAX, "9999-12-31T23:59:59"),
        ] {
            assert_eq!(iso_seconds(millis), text);
        }
    }
}
