//! The first walk: which projects there are, and whether each key is one of ours and of its type.

use std::collections::{HashMap, HashSet};

use super::{
    super::{
        connection::within,
        keys::{Found, Keys, PATTERN, Part, parse},
    },
    Check, Projects,
    scan::Keyspace,
};
use spiderq_core::{error::Result, model::ProjectId, store::Subject};

/// Length of a fingerprint.
const FINGERPRINT: usize = 32;

impl Check<'_> {
    /// A walk over all keys, or over those of the one project that is asked for.
    pub(super) fn walk(&self) -> Keyspace {
        let pattern = match self.scope.projects[..] {
            [project] => Keys(project).pattern(),
            _ => PATTERN.to_owned(),
        };
        Keyspace::new(&self.store.connection, pattern)
    }

    /// The projects of the scope.
    pub(super) async fn keyspace(&mut self) -> Result<Projects> {
        let mut projects = Projects::new();
        let mut walk = self.walk();
        while let Some(keys) = walk.next().await? {
            let mut requests: HashMap<ProjectId, Vec<String>> = HashMap::new();
            for (key, kind) in keys {
                let (project, part) = match parse(&key) {
                    Found::Of(project, part) => (project, part),
                    Found::Installation => continue,
                    Found::Unknown if self.scope.projects.is_empty() => {
                        self.stranger(Subject::Store, &key, "is none of ours").await?;
                        continue;
                    }
                    Found::Unknown => continue,
                };
                // A key may have gone since the walk came by.
                if !self.scope.includes(project) || kind == "none" {
                    continue;
                }
                let held = projects.entry(project).or_default();
                let subject = Subject::Project(project);
                match (part.type_name(), part) {
                    (Some(right), _) if right != kind => {
                        let wrong = format!("is a {kind}, not a {right}");
                        self.stranger(subject, &key, &wrong).await?;
                    }
                    (_, Part::Set(name)) => held.sets.push(name),
                    (_, Part::Spiders | Part::Settings | Part::Job(_)) => held.exists = true,
                    (_, Part::Request) => requests.entry(project).or_default().push(key),
                    (_, Part::Aside) => self.checked.aside += 1,
                    (_, Part::Unknown(_)) => {
                        self.stranger(subject, &key, "is none of ours").await?
                    }
                    _ => {}
                }
            }
            for (project, keys) in requests {
                self.requests(project, &keys).await?;
            }
        }
        Ok(projects)
    }

    /// What has been set aside, when there may be more of it than at the beginning.
    pub(super) async fn count_aside(&mut self) -> Result<()> {
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
        self.checked.aside = aside.len() as u64;
        Ok(())
    }

    /// A key that must not be there: set aside within its project.
    async fn stranger(&mut self, subject: Subject, key: &str, wrong: &str) -> Result<()> {
        let aside = match subject {
            Subject::Project(project) => Keys(project).aside(key),
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

    /// Kept answers: in form, and gone one day.
    async fn requests(&mut self, project: ProjectId, keys: &[String]) -> Result<()> {
        let mut pipe = redis::pipe();
        pipe.atomic();
        for key in keys {
            pipe.get(key).pttl(key);
        }
        let replies: Vec<redis::Value> = within(self.store.connection.pipe(&pipe)).await?;
        let subject = Subject::Project(project);
        for (key, pair) in keys.iter().zip(replies.chunks(2)) {
            let record: Option<Vec<u8>> = redis::from_redis_value(pair[0].clone()).ok().flatten();
            let left: i64 = redis::from_redis_value(pair[1].clone()).unwrap_or_default();
            let Some(record) = record else { continue };
            if !is_answer(&record) {
                self.stranger(subject, key, "is no kept answer").await?;
            } else if left == -1 {
                if self.repair {
                    let mut pipe = redis::pipe();
                    pipe.cmd("PEXPIRE")
                        .arg(key)
                        .arg(spiderq_core::limits::REQUEST_ID_TTL_MS)
                        .ignore();
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
    record.split_at_checked(FINGERPRINT).is_some_and(|(print, packed)| {
        let hex = print.iter().all(u8::is_ascii_hexdigit);
        hex && rmp_serde::from_slice::<serde::de::IgnoredAny>(packed).is_ok()
    })
}
