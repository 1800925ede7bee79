//! Limits on what runs at a time. A store reads them in the atomic step that would make more
//! run.

use std::fmt;

/// Name of a project's setting: how many of its jobs may run at a time.
pub const MAX_RUNNING: &str = "max_running";
/// Name of a project's setting: how many units its running jobs may have in all.
pub const MAX_RUNNING_UNITS: &str = "max_running_units";

/// Which limit does not allow more to run. A setting limits nothing unless it is a whole number
/// in decimal, without sign or leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunningLimit {
    /// The project's setting [`MAX_RUNNING`].
    Running,
    /// The project's setting [`MAX_RUNNING_UNITS`](crate::store::MAX_RUNNING_UNITS).
    Units,
    /// The spider's own [`SpiderRecord::max_running`](super::SpiderRecord::max_running).
    Spider,
}

impl RunningLimit {
    /// The setting's name; that of a spider stands behind `spider.`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => MAX_RUNNING,
            Self::Units => MAX_RUNNING_UNITS,
            Self::Spider => "spider.max_running",
        }
    }
}

impl fmt::Display for RunningLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "the project's max_running is reached",
            Self::Units => "the project's max_running_units are reached",
            Self::Spider => "the spider's max_running is reached",
        })
    }
}
