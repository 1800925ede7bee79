//! Which limit does not allow more jobs or units to run.

use super::ProjectView;
use crate::{
    error::Result,
    model::SpiderId,
    store::{MAX_RUNNING, MAX_RUNNING_UNITS, RunningLimit},
};

/// A project's limits of what runs at a time; `None` limits nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningLimits {
    /// The setting [`MAX_RUNNING`].
    pub jobs: Option<u64>,
    /// The setting [`MAX_RUNNING_UNITS`].
    pub units: Option<u64>,
}

impl RunningLimits {
    /// From the settings, of which `setting` returns the JSON text by name.
    pub fn load<E>(mut setting: impl FnMut(&str) -> Result<Option<String>, E>) -> Result<Self, E> {
        let mut limit = |name| Ok(setting(name)?.as_deref().and_then(whole_number));
        Ok(Self { jobs: limit(MAX_RUNNING)?, units: limit(MAX_RUNNING_UNITS)? })
    }
}

/// Which limit does not allow so many more jobs and units to run: the project's, then that of
/// the `spider` which a new job would be of.
pub fn check_running<V: ProjectView>(
    project: &mut V,
    more_jobs: u64,
    more_units: u64,
    spider: Option<SpiderId>,
) -> Result<Option<RunningLimit>, V::Error> {
    if more_jobs == 0 && more_units == 0 {
        return Ok(None);
    }
    let limits = project.limits()?;
    if limits != RunningLimits::default() {
        let (jobs, units) = project.running()?;
        if is_exceeded(limits.jobs, jobs, more_jobs) {
            return Ok(Some(RunningLimit::Running));
        }
        if is_exceeded(limits.units, units, more_units) {
            return Ok(Some(RunningLimit::Units));
        }
    }
    let is_full = spider.map_or(Ok(false), |spider| project.is_full(spider))?;
    Ok(is_full.then_some(RunningLimit::Spider))
}

/// What runs already may be more than a limit that was set later; it only may not grow.
fn is_exceeded(limit: Option<u64>, before: u64, more: u64) -> bool {
    more > 0 && limit.is_some_and(|limit| before.saturating_add(more) > limit)
}

/// A whole number without sign or leading zeros; anything else, or one that is out of range, is
/// no limit.
fn whole_number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_whole_number_is_a_limit() {
        assert_eq!(whole_number("0"), Some(0));
        assert_eq!(whole_number("1000000"), Some(1_000_000));
        assert_eq!(whole_number("18446744073709551615"), Some(u64::MAX));
        let none = ["", "00", "01", "-1", "+1", "1.0", "1e3", "\"1\"", "null", " 1"];
        assert_eq!(none.map(whole_number), [None; 10]);
        assert_eq!(whole_number("18446744073709551616"), None);
    }
}
