//! [`Store::check`](spiderq_core::store::Store::check): two walks over the keys, then over each
//! project's sets, in short steps. What a walk comes across is only a hint: each job, member and
//! number is judged, and mended, in an atomic script of at most [`PART`] of them.

mod jobs;
mod keyspace;
mod project;
mod registry;
mod scan;

use std::collections::{BTreeMap, HashSet};

use redis::Script;
use serde::Serialize;

use super::{
    RedisStore,
    connection::{unpack, within},
    keys::Keys,
};
use spiderq_core::{
    error::Result,
    model::{JobKey, ProjectId},
    store::{CheckProgress, CheckScope, CheckSummary, Finding, Subject},
};

/// Most jobs, or members, that one script judges: less than a millisecond.
const PART: usize = 50;

/// Subject, text, and whether it was mended, as scripts tell it.
type Row = (String, String, bool);

/// What a project has keys of.
#[derive(Default)]
struct Held {
    /// Names of its sorted sets.
    sets: Vec<String>,
    /// Whether it exists: it has a spider or a setting. One that was only asked about may have
    /// kept answers and events.
    exists: bool,
}

/// The projects that have keys.
type Projects = BTreeMap<ProjectId, Held>;

/// A check that goes on.
struct Check<'a> {
    store: &'a RedisStore,
    scope: &'a CheckScope,
    repair: bool,
    tell: &'a mut (dyn FnMut(CheckProgress) + Send),
    /// A walk may come twice to the same key, and many jobs may show the same fault.
    told: HashSet<(Subject, String)>,
    checked: CheckSummary,
}

/// Checks.
pub(super) async fn check(
    store: &RedisStore,
    scope: &CheckScope,
    repair: bool,
    tell: &mut (dyn FnMut(CheckProgress) + Send),
) -> Result<CheckSummary> {
    let mut check = Check {
        store,
        scope,
        repair,
        tell,
        told: HashSet::new(),
        checked: CheckSummary::default(),
    };
    let projects = check.keyspace().await?;
    check.checked.projects = projects.len() as u64;
    // Names before jobs, jobs before sets: each step builds on what the one before mended.
    for project in projects.keys() {
        check.names(*project).await?;
        check.spider_tags(*project).await?;
    }
    check.jobs().await?;
    for (project, held) in &projects {
        check.sets(*project, &held.sets).await?;
        check.index(*project).await?;
        check.sums(*project).await?;
        check.events(*project).await?;
    }
    check.registry(&projects).await?;
    check.count_aside().await?;
    Ok(check.checked)
}

impl Check<'_> {
    /// Runs a script of a check, and tells what it found.
    async fn judge(
        &mut self,
        project: ProjectId,
        script: &Script,
        argument: &(impl Serialize + Sync),
    ) -> Result<()> {
        let packed: Vec<u8> = self.run(project, script, argument).await?;
        let rows: Vec<Row> = unpack(&packed)?;
        self.tell_rows(project, rows);
        Ok(())
    }

    async fn run<T: redis::FromRedisValue + Send>(
        &mut self,
        project: ProjectId,
        script: &Script,
        argument: &(impl Serialize + Sync),
    ) -> Result<T> {
        let keys = Keys(project).check();
        within(self.store.connection.run(script, &keys, argument)).await
    }

    fn tell_rows(&mut self, project: ProjectId, rows: Vec<Row>) {
        for (subject, what, repaired) in rows {
            let key = JobKey::parse(&format!("{project}/{subject}"));
            match (subject.is_empty(), key) {
                (true, _) => self.found(Subject::Project(project), what, repaired),
                (false, Ok(key)) => self.found(Subject::Job(key), what, repaired),
                (false, Err(_)) => {
                    let what = format!("{} {what}", subject.escape_debug());
                    self.found(Subject::Project(project), what, repaired);
                }
            }
        }
    }

    fn found(&mut self, subject: Subject, what: String, repaired: bool) {
        if self.told.insert((subject, what.clone())) {
            (self.tell)(CheckProgress::Finding(Finding { subject, what, repaired }));
        }
    }
}
