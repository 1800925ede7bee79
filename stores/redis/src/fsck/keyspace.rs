//! The first walk: which projects there are, and whether each key is known and of its type.

use std::collections::{HashMap, HashSet};

use spiderq_core::{error::Result, limits::REQUEST_ID_TTL_MS, model::ProjectId, store::Subject};

use super::{Check, ProjectKeys, Projects};
use crate::{
    error::bad_reply,
    link::within,
    names::{Found, PATTERN, Part, ProjectNames, parse},
    scan::Keyspace,
};

/// Length of a fingerprint, bytes.
const FINGERPRINT_LENGTH: usize = 32;

/// What is wrong with a key that this store does not know.
const UNKNOWN: &str = "is none of ours";

impl Check<'_> {
    /// A walk over all keys, or over those of the one project that is asked for.
    pub(crate) fn walk(&self) -> Keyspace {
        let pattern = match self.scope.projects[..] {
            [project] => ProjectNames(project).pattern(),
            _ => PATTERN.to_owned(),
        };
        Keyspace::new(&self.store.connection, pattern)
    }

    /// The projects of the scope.
    pub(crate) async fn keyspace(&mut self) -> Result<Projects> {
        let mut projects = Projects::new();
        let mut walk = self.walk();
        while let Some(keys) = walk.next().await? {
            let mut requests: HashMap<ProjectId, Vec<String>> = HashMap::new();
            for (key, kind) in keys {
                match parse(&key) {
                    // A key may have gone since the walk came by.
                    Found::Of(project, _) if !self.scope.includes(project) || kind == "none" => {}
                    Found::Of(project, Part::Request) if kind == "string" => {
                        projects.entry(project).or_default();
                        requests.entry(project).or_default().push(key);
                    }
                    Found::Of(project, part) => {
                        let held = projects.entry(project).or_default();
                        if let Some(wrong) = self.key_of(held, &part, &kind) {
                            self.unknown_key(Subject::Project(project), &key, &wrong).await?;
                        }
                    }
                    Found::Unknown if self.scope.projects.is_empty() => {
                        self.unknown_key(Subject::Store, &key, UNKNOWN).await?;
                    }
                    Found::Installation | Found::Unknown => {}
                }
            }
            for (project, keys) in requests {
                self.requests(project, &keys).await?;
            }
        }
        Ok(projects)
    }

    /// Notes what a key says of its project, or answers what is wrong with the key.
    fn key_of(&mut self, held: &mut ProjectKeys, part: &Part, kind: &str) -> Option<String> {
        match (part.type_name(), part) {
            (Some(right), _) if right != kind => {
                return Some(format!("is a {kind}, not a {right}"));
            }
            (_, Part::Unknown(_)) => return Some(UNKNOWN.to_owned()),
            (_, Part::Set(name)) => held.sets.push(name.clone()),
            (_, Part::Spiders | Part::Settings | Part::Job(_)) => held.exists = true,
            (_, Part::Aside) => self.summary.set_aside += 1,
            _ => {}
        }
        None
    }

    /// What has been set aside, when there may be more of it than at the beginning.
    pub(crate) async fn count_aside(&mut self) -> Result<()> {
        if !self.repair {
            return Ok(());
        }
        let (mut walk, mut aside) = (self.walk(), HashSet::new());
        while let Some(keys) = walk.next().await? {
            for (key, _) in keys {
                if let Found::Of(project, Part::Aside) = parse(&key)
                    && self.scope.includes(project)
                {
                    aside.insert(key);
                }
            }
        }
        self.summary.set_aside = aside.len() as u64;
        Ok(())
    }

    /// Reports a key that must not be there; a repair sets it aside within its project.
    async fn unknown_key(&mut self, subject: Subject, key: &str, wrong: &str) -> Result<()> {
        let aside = match subject {
            Subject::Project(project) => ProjectNames(project).aside(key),
            Subject::Store | Subject::Job(_) => None,
        };
        let mut moved = false;
        if let Some(aside) = aside.filter(|_| self.repair) {
            let mut pipe = redis::pipe();
            pipe.cmd("RENAMENX").arg(key).arg(aside);
            (moved,) = within(self.store.connection.pipe(&pipe)).await?;
        }
        self.found(subject, format!("key {} {wrong}", key.escape_debug()), moved);
        Ok(())
    }

    /// Answers kept under request ids must be in form, and expire.
    async fn requests(&mut self, project: ProjectId, keys: &[String]) -> Result<()> {
        let mut pipe = redis::pipe();
        for key in keys {
            pipe.get(key).pttl(key);
        }
        let replies: Vec<redis::Value> = within(self.store.connection.read(&pipe)).await?;
        let subject = Subject::Project(project);
        for (key, pair) in keys.iter().zip(replies.chunks(2)) {
            let [record, left] = pair else {
                return Err(bad_reply("an answer without its time to live"));
            };
            let left: i64 = redis::from_redis_value(left.clone()).map_err(bad_reply)?;
            let record: Option<Vec<u8>> =
                redis::from_redis_value(record.clone()).map_err(bad_reply)?;
            // It may have expired since the walk came by.
            let Some(record) = record else { continue };
            if !is_answer(&record) {
                self.unknown_key(subject, key, "is no kept answer").await?;
            } else if left == -1 {
                if self.repair {
                    let mut pipe = redis::pipe();
                    pipe.cmd("PEXPIRE").arg(key).arg(REQUEST_ID_TTL_MS).ignore();
                    within(self.store.connection.pipe::<()>(&pipe)).await?;
                }
                let what = format!("key {} never expires", key.escape_debug());
                self.found(subject, what, self.repair);
            }
        }
        Ok(())
    }
}

/// A fingerprint, and a packed answer.
fn is_answer(record: &[u8]) -> bool {
    record.split_at_checked(FINGERPRINT_LENGTH).is_some_and(|(print, packed)| {
        let hex = print.iter().all(u8::is_ascii_hexdigit);
        hex && rmp_serde::from_slice::<serde::de::IgnoredAny>(packed).is_ok()
    })
}
