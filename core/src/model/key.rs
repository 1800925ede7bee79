//! Project, spider and job numbers, and the keys made of them (`docs/contract.md`, 1).

use std::fmt;

use crate::{
    error::{Error, Result},
    limits::MAX_NUMBER,
};

// Three types that differ in name only; a generic one would read worse at every use.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u64);

        impl $name {
            /// From 1 to [`MAX_NUMBER`].
            pub fn new(number: i64) -> Result<Self> {
                match u64::try_from(number) {
                    Ok(n) if (1..=MAX_NUMBER).contains(&n) => Ok(Self(n)),
                    _ => Err(Error::invalid($field, "must be a positive integer")),
                }
            }

            /// Decimal without sign or leading zeros.
            pub fn parse(text: &str) -> Result<Self> {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                if !digits || text.starts_with('0') {
                    return Err(Error::invalid($field, "must be a positive integer"));
                }
                text.parse()
                    .map_err(|_| Error::invalid($field, "must be a positive integer"))
                    .and_then(Self::new)
            }

            /// From 1 to [`MAX_NUMBER`].
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Number of a project, chosen by the user.
    ProjectId,
    "project"
);
number!(
    /// Number of a spider in its project, given in order of first use of its name.
    SpiderId,
    "spider"
);
number!(
    /// Number of a job of a spider: 1, 2, 3 …; never given twice.
    JobId,
    "job"
);

/// `project/spider/job`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobKey {
    /// Of which project.
    pub project: ProjectId,
    /// Of which spider of the project.
    pub spider: SpiderId,
    /// Which of the spider's jobs.
    pub job: JobId,
}

impl JobKey {
    /// Three positive decimals with `/` between.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::invalid("key", "must be a job key like 53/7/81");
        let mut parts = text.split('/');
        let (Some(project), Some(spider), Some(job), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        Ok(Self {
            project: ProjectId::parse(project).map_err(|_| bad())?,
            spider: SpiderId::parse(spider).map_err(|_| bad())?,
            job: JobId::parse(job).map_err(|_| bad())?,
        })
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.spider, self.job)
    }
}

/// `project/spider`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiderKey {
    /// Of which project.
    pub project: ProjectId,
    /// Of which spider of the project.
    pub spider: SpiderId,
}

impl SpiderKey {
    /// Two positive decimals with `/` between.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::invalid("key", "must be a spider key like 53/7");
        let (project, spider) = text.split_once('/').ok_or_else(bad)?;
        Ok(Self {
            project: ProjectId::parse(project).map_err(|_| bad())?,
            spider: SpiderId::parse(spider).map_err(|_| bad())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_key_is_three_plain_decimals() {
        assert_eq!(JobKey::parse("53/7/81").unwrap().to_string(), "53/7/81");
        for bad in [
            "",
            "53",
            "53/7",
            "53/7/",
            "53/7/0",
            "53/07/1",
            "+53/7/1",
            "53/7/81/1",
            "a/b/c",
            "-1/1/1",
            " 1/1/1",
            "1/1/9007199254740992",
            "1/1/99999999999999999999",
        ] {
            let message = JobKey::parse(bad).unwrap_err().to_string();
            assert_eq!(message, "key: must be a job key like 53/7/81", "{bad}");
        }
    }
}
