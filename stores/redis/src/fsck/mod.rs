//! The check of a store: two walks over all keys, then over each project's sets, in short steps.
//! What a walk comes across is only a hint: each job, member and number is checked, and mended, in
//! an atomic script.

mod jobs;
mod keyspace;
mod numbered_names;
mod project;
mod registry;
mod sums;

use std::collections::{BTreeMap, HashSet};

use redis::Script;
use serde::{Serialize, de::DeserializeOwned};

use spiderq_core::{
    error::Result,
    model::{JobKey, ProjectId},
    store::{CheckProgress, CheckScope, CheckSummary, Finding, Subject},
};

use crate::{RedisStore, link::within, names::ProjectNames};

/// Most jobs, or members, that one script checks: that takes less than a millisecond.
const MAX_CHECKED: usize = 50;

/// A finding as scripts answer it: subject, text, and whether it was mended.
type FindingRow = (String, String, bool);

/// What the keys of a project say of it.
#[derive(Default)]
struct ProjectKeys {
    /// Names of its sorted sets.
    sets: Vec<String>,
    /// Whether it has a spider or a setting, and so exists. One that was only asked about may have
    /// kept answers and events.
    exists: bool,
}

/// The projects that have keys.
type Projects = BTreeMap<ProjectId, ProjectKeys>;

/// A check under way.
struct Check<'a> {
    store: &'a RedisStore,
    scope: &'a CheckScope,
    repair: bool,
    report: &'a mut (dyn FnMut(CheckProgress) + Send),
    /// A walk may come twice to the same key, and many jobs may show the same fault.
    reported: HashSet<(Subject, String)>,
    summary: CheckSummary,
}

pub(crate) async fn check(
    store: &RedisStore,
    scope: &CheckScope,
    repair: bool,
    report: &mut (dyn FnMut(CheckProgress) + Send),
) -> Result<CheckSummary> {
    let mut check = Check {
        store,
        scope,
        repair,
        report,
        reported: HashSet::new(),
        summary: CheckSummary::default(),
    };
    let projects = check.keyspace().await?;
    check.summary.projects = projects.len() as u64;
    // Names before jobs, jobs before sets: each step builds on what the one before mended.
    for project in projects.keys() {
        check.names(*project).await?;
        check.spider_tags(*project).await?;
    }
    check.jobs().await?;
    for (project, keys) in &projects {
        check.sets(*project, &keys.sets).await?;
        check.indexes(*project).await?;
        check.sums(*project).await?;
        check.events(*project).await?;
    }
    check.registry(&projects).await?;
    check.count_aside().await?;
    Ok(check.summary)
}

impl Check<'_> {
    /// Runs a script that answers with findings, and reports them.
    async fn judge(
        &mut self,
        project: ProjectId,
        script: &Script,
        argument: &(impl Serialize + Sync),
    ) -> Result<()> {
        let rows: Vec<FindingRow> = self.run(project, script, argument).await?;
        self.report_rows(project, rows);
        Ok(())
    }

    async fn run<T: DeserializeOwned + Send>(
        &mut self,
        project: ProjectId,
        script: &Script,
        argument: &(impl Serialize + Sync),
    ) -> Result<T> {
        let keys = ProjectNames(project).fsck_script();
        within(self.store.connection.run(script, &keys, argument)).await
    }

    fn report_rows(&mut self, project: ProjectId, rows: Vec<FindingRow>) {
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
        if self.reported.insert((subject, what.clone())) {
            (self.report)(CheckProgress::Finding(Finding { subject, what, repaired }));
        }
    }
}
