//! Leases: until when a worker holds a job. A start sets the end and a heartbeat moves it.
//!
//! The length of a lease is here. The moment from which a worker is refused is in
//! `Holder::refusal` (`core/src/effect.rs`, and `stores/redis/src/lua/lib/holders.lua`); what
//! happens to the job then, in the [reaper](super::reaper).

use spiderq_core::{
    error::{Error, Result},
    limits::{DEFAULT_LEASE_MS, MAX_LEASE_MS, MIN_LEASE_MS},
    model::Millis,
};

/// When a lease of `lease_ms` from `now` ends; `None`: never.
pub(super) fn lease_end(lease_ms: Option<i64>, now: Millis) -> Result<Option<Millis>> {
    Ok(lease_length(lease_ms)?.map(|length| Millis(now.0 + length)))
}

/// How long a lease is, ms; `None`: without end.
pub(super) fn lease_length(lease_ms: Option<i64>) -> Result<Option<u64>> {
    match lease_ms.map(u64::try_from) {
        None => Ok(Some(DEFAULT_LEASE_MS)),
        Some(Ok(0)) => Ok(None),
        Some(Ok(length @ MIN_LEASE_MS..=MAX_LEASE_MS)) => Ok(Some(length)),
        Some(_) => {
            let accepted =
                format!("must be 0 (no lease) or from {MIN_LEASE_MS} to {MAX_LEASE_MS} ms");
            Err(Error::invalid("lease", accepted))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_the_default_or_none_or_within_the_limits() {
        let end = |lease_ms| lease_end(lease_ms, Millis(10)).ok();
        assert_eq!(end(None), Some(Some(Millis(10 + DEFAULT_LEASE_MS))));
        assert_eq!(end(Some(0)), Some(None));
        assert_eq!(end(Some(1_000)), Some(Some(Millis(1_010))));
        assert_eq!(end(Some(3_600_000)), Some(Some(Millis(3_600_010))));
        for refused in [-1, 1, 999, 3_600_001] {
            assert_eq!(end(Some(refused)), None);
        }
    }
}
