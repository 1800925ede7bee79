//! Where output of jobs is kept: what `--output` says.

use std::{fmt, path::PathBuf, sync::Arc};

use spiderq_core::error::{Error, Result};
use spiderq_output::{Files, Outputs};

use crate::store_url::StoreUrl;

/// How the name of the folder of output ends that stands beside a SQLite file, behind the file's.
const FOLDER: &str = "-output";

/// What `--output` accepts.
#[cfg(feature = "s3")]
const ACCEPTED: &str = "must be file:DIR, s3://BUCKET/PREFIX or none";
#[cfg(not(feature = "s3"))]
const ACCEPTED: &str = "must be file:DIR or none";

/// A place for output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputUrl {
    /// No output is kept.
    None,
    /// In a folder.
    Files(PathBuf),
    /// In a bucket of an object store that speaks S3.
    #[cfg(feature = "s3")]
    S3 {
        /// The bucket.
        bucket: String,
        /// What the names of all objects begin with; may be empty.
        prefix: String,
    },
}

impl OutputUrl {
    /// `none`, `file:DIR` or `s3://BUCKET[/PREFIX]`.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self::None);
        }
        #[cfg(feature = "s3")]
        if let Some(place) = text.strip_prefix("s3://") {
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            if bucket.is_empty() {
                return Err(Error::invalid("output", "must name a bucket: s3://BUCKET/PREFIX"));
            }
            let prefix = prefix.trim_end_matches('/').to_owned();
            return Ok(Self::S3 { bucket: bucket.to_owned(), prefix });
        }
        let folder = text.strip_prefix("file:").filter(|folder| !folder.is_empty());
        let bad = || Error::invalid("output", ACCEPTED);
        folder.map(|folder| Self::Files(PathBuf::from(folder))).ok_or_else(bad)
    }

    /// Where output is kept if nobody says: in a folder beside a SQLite file, named like it. A
    /// Redis may have servers on many machines, which have no folder in common: there it is kept
    /// nowhere.
    #[must_use]
    pub fn default_of(store: &StoreUrl) -> Self {
        match store {
            StoreUrl::Sqlite(path) => {
                let mut name = path.file_stem().unwrap_or_default().to_owned();
                name.push(FOLDER);
                Self::Files(path.with_file_name(name))
            }
            StoreUrl::Redis(_) => Self::None,
        }
    }

    /// The place; `None` where no output is kept. Nothing is written to it yet.
    pub fn open(&self) -> Result<Option<Outputs>> {
        Ok(match self {
            Self::None => None,
            Self::Files(folder) => Some(Outputs::new(Arc::new(Files::new(folder)))),
            #[cfg(feature = "s3")]
            Self::S3 { bucket, prefix } => {
                let objects = spiderq_output::Objects::from_env(bucket, prefix)?;
                Some(Outputs::new(Arc::new(objects)))
            }
        })
    }
}

impl fmt::Display for OutputUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Files(folder) => write!(f, "file:{}", folder.display()),
            #[cfg(feature = "s3")]
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            #[cfg(feature = "s3")]
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
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
            assert_eq!(refused, format!("output: {ACCEPTED}"), "{bad}");
        }
    }

    #[cfg(feature = "s3")]
    #[test]
    fn a_bucket_may_have_a_prefix() {
        for text in ["s3://bucket", "s3://bucket/a/b"] {
            assert_eq!(OutputUrl::parse(text).unwrap().to_string(), text);
        }
        let refused = OutputUrl::parse("s3:///prefix").unwrap_err().to_string();
        assert_eq!(refused, "output: must name a bucket: s3://BUCKET/PREFIX");
    }

    #[test]
    fn output_is_beside_a_sqlite_file_and_with_redis_nowhere() {
        let default = |store| OutputUrl::default_of(&StoreUrl::parse(store).unwrap()).to_string();
        assert_eq!(default("sqlite:spiderq.db"), "file:spiderq-output");
        assert_eq!(default("sqlite:/data/jobs.db"), "file:/data/jobs-output");
        assert_eq!(default("redis://127.0.0.1"), "none");
    }
}
