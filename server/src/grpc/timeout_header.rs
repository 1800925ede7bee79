//! The header `grpc-timeout`: one to eight digits and a unit.

use std::time::Duration;

use axum::http::HeaderMap;
use tonic::Status;

/// How long the caller waits. A malformed value is refused, not ignored: without a deadline the
/// call might go on working after its caller has given up.
pub(super) fn parse(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get("grpc-timeout") else {
        return Ok(None);
    };
    let bad = || {
        Status::invalid_argument(
            "grpc-timeout: must be 1 to 8 digits and a unit: H, M, S, m (ms), u (µs) or n (ns)",
        )
    };
    let text = value.to_str().ok();
    text.and_then(parse_value).map(Some).ok_or_else(bad)
}

fn parse_value(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let digits_only = digits.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() > 8 || !digits_only {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_known() {
        for (text, nanoseconds) in [
            ("1H", 3_600_000_000_000),
            ("2M", 120_000_000_000),
            ("3S", 3_000_000_000),
            ("4m", 4_000_000),
            ("5u", 5_000),
            ("00000006n", 6),
        ] {
            assert_eq!(parse_value(text), Some(Duration::from_nanos(nanoseconds)));
        }
        assert_eq!(parse_value("99999999H"), Some(Duration::from_secs(359_999_996_400)));
    }

    #[test]
    fn a_malformed_value_is_refused() {
        for text in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "123456789m", "1é", " 1S"] {
            assert_eq!(parse_value(text), None, "{text:?}");
        }
    }
}
