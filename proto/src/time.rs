//! Milliseconds, which the service counts in, as the times and spans of messages and back. Parts of
//! a millisecond are cut off of times; spans are rounded up, so that a short one is not none.

use crate::{Duration, Timestamp};

/// The time `ms` after the Unix epoch.
#[must_use]
pub fn timestamp(ms: i64) -> Timestamp {
    let (seconds, nanos) = split(ms);
    Timestamp { seconds, nanos }
}

/// A span of `ms`.
#[must_use]
pub fn duration(ms: i64) -> Duration {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    Duration { seconds, nanos: rest as i32 * 1_000_000 }
}

/// Milliseconds since the Unix epoch, within the range of `i64`.
#[must_use]
pub fn timestamp_ms(time: &Timestamp) -> i64 {
    joined(time.seconds, time.nanos)
}

/// Milliseconds of a span, within the range of `i64`.
#[must_use]
pub fn duration_ms(span: &Duration) -> i64 {
    let rounding = if span.nanos > 0 { 999_999 } else { 0 };
    joined(span.seconds, span.nanos.saturating_add(rounding))
}

/// The nanoseconds of a time count forward, also before the epoch.
fn split(ms: i64) -> (i64, i32) {
    (ms.div_euclid(1_000), ms.rem_euclid(1_000) as i32 * 1_000_000)
}

fn joined(seconds: i64, nanos: i32) -> i64 {
    seconds.saturating_mul(1_000).saturating_add(i64::from(nanos / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_come_back_as_they_were() {
        for ms in [0, 1, 999, 1_566_311_822_568, -1, -1_001] {
            assert_eq!(timestamp_ms(&timestamp(ms)), ms);
            assert_eq!(duration_ms(&duration(ms)), ms);
        }
        assert_eq!(timestamp(-1), Timestamp { seconds: -1, nanos: 999_000_000 });
        assert_eq!(duration(-1), Duration { seconds: 0, nanos: -1_000_000 });
        assert_eq!(duration_ms(&Duration { seconds: 0, nanos: 1 }), 1);
        assert_eq!(timestamp_ms(&Timestamp { seconds: i64::MAX, nanos: 0 }), i64::MAX);
    }
}
