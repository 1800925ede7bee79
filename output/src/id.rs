//! Names: the kinds of output, one output of a job, and what its objects are called.

use std::fmt;

use serde::{Deserialize, Serialize};
use spiderq_core::model::JobKey;

/// What the lines of an output are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// Log lines.
    Logs,
    /// Scraped items.
    Items,
    /// Requests that were answered.
    Requests,
    /// Samples of the job's numbers.
    Samples,
}

impl OutputKind {
    /// All kinds, in the order of the API.
    pub const ALL: [Self; 4] = [Self::Logs, Self::Items, Self::Requests, Self::Samples];

    /// As names of objects, paths and messages write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Items => "items",
            Self::Requests => "requests",
            Self::Samples => "samples",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One output: of which job, in which attempt, and what its lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutputId {
    /// The job.
    pub key: JobKey,
    /// Which time the job was started; 0: never, as of a job that was pushed as finished.
    pub attempt: u32,
    /// What the lines are.
    pub kind: OutputKind,
}

impl OutputId {
    /// What the names of all objects of this output begin with, inside the job's folder: `2-logs`.
    #[must_use]
    pub fn stem(&self) -> String {
        format!("{}-{}", self.attempt, self.kind.as_str())
    }

    /// Attempt and kind of the object `name` of a job's folder, and the rest of the name after a
    /// dot. `None` if no output has an object of that name.
    pub(crate) fn split(name: &str) -> Option<((u32, OutputKind), &str)> {
        let (stem, rest) = name.split_once('.')?;
        let (attempt, kind) = stem.split_once('-')?;
        let number: u32 = attempt.parse().ok()?;
        (number.to_string() == attempt).then_some(())?;
        Some(((number, OutputKind::parse(kind)?), rest))
    }
}

impl fmt::Display for OutputId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}, attempt {}", self.kind.as_str(), self.key, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_says_of_which_output_it_is() {
        let key = JobKey::parse("53/7/81").unwrap();
        for kind in OutputKind::ALL {
            let id = OutputId { key, attempt: 2, kind };
            let name = format!("{}.tail", id.stem());
            assert_eq!(OutputId::split(&name), Some(((2, kind), "tail")));
        }
        for other in ["", "tail", "2-logs", "logs.tail", "2-books.tail", "02-logs.tail"] {
            assert_eq!(OutputId::split(other), None, "{other}");
        }
    }
}
