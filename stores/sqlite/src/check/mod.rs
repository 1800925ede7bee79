//! [`Store::check`](spiderq_core::store::Store::check): on a connection of its own, as it may take longer than
//! any call. Each step is one statement or one transaction, so that what it sees is of one moment.

mod jobs;
mod projects;
mod structure;
mod tags;

use std::time::Duration;

use crate::error::{Result, StepError};
use rusqlite::{Connection, Row};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::file::StoreFile;
use spiderq_core::{
    error::Error,
    model::{JobKey, ProjectId},
    store::{CheckProgress, CheckScope, CheckSummary, Finding, Subject},
};

/// How long a step waits for a writer that is busy, of this process then.
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks.
pub(super) async fn check(
    file: &StoreFile,
    scope: &CheckScope,
    repair: bool,
    tell: &mut (dyn FnMut(CheckProgress) + Send),
) -> spiderq_core::error::Result<CheckSummary> {
    let connection = file.writer()?;
    connection.busy_timeout(PATIENCE).map_err(StepError::from)?;
    let (sender, mut told) = unbounded_channel();
    let scope = scope.clone();
    let work = tokio::task::spawn_blocking(move || {
        let mut check = Check {
            connection: &connection,
            scope: &scope,
            repair,
            tell: sender,
            checked: CheckSummary::default(),
        };
        check.all()?;
        Ok::<_, StepError>(check.checked)
    });
    while let Some(told) = told.recv().await {
        tell(told);
    }
    work.await.map_err(Error::bug)?.map_err(Error::from)
}

/// A check that goes on.
struct Check<'a> {
    connection: &'a Connection,
    scope: &'a CheckScope,
    repair: bool,
    tell: UnboundedSender<CheckProgress>,
    checked: CheckSummary,
}

impl Check<'_> {
    fn all(&mut self) -> Result<()> {
        if self.scope.projects.is_empty() {
            self.file()?;
            if !self.schema()? {
                return Ok(());
            }
        }
        // Names before jobs, jobs before tags and numbers: each step builds on what the one
        // before mended.
        self.spiders()?;
        self.jobs()?;
        self.tags()?;
        self.numbers()?;
        self.sums()?;
        self.requests()?;
        self.checked.projects = self.count_projects()?;
        self.checked.aside = self.count_aside()?;
        Ok(())
    }

    /// Runs `work` in one transaction, which is kept if something is to be mended.
    fn step<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let begin = if self.repair { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.connection.execute_batch(begin)?;
        let done = work(self);
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        if !self.connection.is_autocommit() {
            self.connection.execute_batch(end)?;
        }
        done
    }

    /// Tells of `what`; `mend` is run if it is to be mended.
    fn found(
        &self,
        subject: Subject,
        what: impl Into<String>,
        mend: impl FnOnce(&Connection) -> Result<()>,
    ) -> Result<()> {
        if self.repair {
            mend(self.connection)?;
        }
        self.tell_found(subject, what.into(), self.repair);
        Ok(())
    }

    fn tell_found(&self, subject: Subject, what: String, repaired: bool) {
        self.tell(CheckProgress::Finding(Finding { subject, what, repaired }));
    }

    fn tell(&self, told: CheckProgress) {
        // Nobody listens any more: the caller has gone, and the rest is for nobody.
        let _ = self.tell.send(told);
    }

    /// Rows that a statement finds wrong, of the scope; the first column is the project.
    fn wrong<T>(
        &self,
        sql: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<(Subject, T)>> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(subject) = self.project(row.get(0)?) {
                found.push((subject, read(row)?));
            }
        }
        Ok(found)
    }

    /// A project, if it is of the scope; the store for a number that no project has.
    fn project(&self, number: i64) -> Option<Subject> {
        match ProjectId::new(number) {
            Ok(project) => self.scope.includes(project).then_some(Subject::Project(project)),
            Err(_) => self.scope.projects.is_empty().then_some(Subject::Store),
        }
    }
}

/// A job, as far as its numbers are some.
fn job_subject(project: i64, spider: i64, job: i64) -> Subject {
    match JobKey::parse(&format!("{project}/{spider}/{job}")) {
        Ok(key) => Subject::Job(key),
        Err(_) => Subject::Store,
    }
}
