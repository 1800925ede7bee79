//! Limits of what runs at a time: `lua/lib/limits.lua` holds jobs against them in the atomic step.

use serde::Deserialize;
use spiderq_core::store::RunningLimit;

/// A limit as scripts name it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LimitWord {
    MaxRunning,
    MaxRunningUnits,
    SpiderMaxRunning,
}

impl From<LimitWord> for RunningLimit {
    fn from(word: LimitWord) -> Self {
        match word {
            LimitWord::MaxRunning => Self::Running,
            LimitWord::MaxRunningUnits => Self::Units,
            LimitWord::SpiderMaxRunning => Self::Spider,
        }
    }
}
