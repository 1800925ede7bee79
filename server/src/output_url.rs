//! Where output of jobs is kept: what `--output` says.

use std::{fmt, path::PathBuf, sync::Arc};

use spiderq_core::error::{Error, Result};
use spiderq_output::{Files, Outputs};

use crate::store_url::StoreUrl;

/// What the folder of output is called that stands beside a SQLite file.
const FOLDER: &str = "spiderq-output";

/// A place for output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputUrl {
    /// No output is kept.
    None,
    /// In a folder.
    Files(PathBuf),
}

impl OutputUrl {
    /// `none` or `file:DIR`.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self::None);
        }
        let folder = text.strip_prefix("file:").filter(|folder| !folder.is_empty());
        let bad = || Error::invalid("output", "must be file:DIR or none");
        folder.map(|folder| Self::Files(PathBuf::from(folder))).ok_or_else(bad)
    }

    /// Where output is kept if nobody says: in a folder beside a SQLite file. A Redis may have
    /// servers on many machines, which have no folder in common: there it is kept nowhere.
    #[must_use]
    pub fn default_of(store: &StoreUrl) -> Self {
        match store {
            StoreUrl::Sqlite(path) => Self::Files(path.with_file_name(FOLDER)),
            StoreUrl::Redis(_) => Self::None,
        }
    }

    /// The place; `None` where no output is kept.
    #[must_use]
    pub fn open(&self) -> Option<Outputs> {
        match self {
            Self::None => None,
            Self::Files(folder) => Some(Outputs::new(Arc::new(Files::new(folder)))),
        }
    }
}

impl fmt::Display for OutputUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Files(folder) => write!(f, "file:{}", folder.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_is_read() {
        for text in ["none", "file:/var/lib/spiderq/output", "file:output"] {
            assert_eq!(OutputUrl::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "file:", "output", "ftp://host", "None"] {
            let refused = OutputUrl::parse(bad).unwrap_err().to_string();
            assert_eq!(refused, "output: must be file:DIR or none", "{bad}");
        }
    }

    #[test]
    fn output_is_beside_a_sqlite_file_and_with_redis_nowhere() {
        let default = |store| OutputUrl::default_of(&StoreUrl::parse(store).unwrap()).to_string();
        assert_eq!(default("sqlite:spiderq.db"), "file:spiderq-output");
        assert_eq!(default("sqlite:/data/jobs.db"), "file:/data/spiderq-output");
        assert_eq!(default("redis://127.0.0.1"), "none");
    }
}
