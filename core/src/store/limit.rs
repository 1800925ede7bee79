//! Limits of what runs at a time. Stores read them where they keep them, in the atomic step
//! that would make more run.

use std::fmt;

/// Setting of a project: most jobs that run at a time.
pub const MAX_RUNNING: &str = "max_running";
/// Setting of a project: most units that its running jobs may have in all.
pub const MAX_RUNNING_UNITS: &str = "max_running_units";

/// What does not allow more to run. A setting that is no whole number in decimal, without sign
/// or leading zeros, limits nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The project's setting [`MAX_RUNNING`].
    Running,
    /// The project's setting [`MAX_RUNNING_UNITS`].
    Units,
    /// The spider's own [`SpiderRecord::max_running`](super::SpiderRecord::max_running).
    Spider,
}

impl Limit {
    /// All, by [`Limit::index`].
    pub const ALL: [Self; 3] = [Self::Running, Self::Units, Self::Spider];

    /// Its number, as stores keep it in answers.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Running => 0,
            Self::Units => 1,
            Self::Spider => 2,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "the project's max_running is reached",
            Self::Units => "the project's max_running_units are reached",
            Self::Spider => "the spider's max_running is reached",
        })
    }
}
