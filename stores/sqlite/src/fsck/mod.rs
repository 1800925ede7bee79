//! [`UpkeepStore::check`](spiderq_core::store::UpkeepStore::check): on a connection of its own, as
//! it may take longer than any call. Each step is one statement or one transaction, so that what it
//! sees is of one moment.

mod blocks;
mod jobs;
mod projects;
mod structure;
mod tags;

use std::time::Duration;

use rusqlite::{Connection, Params, Row};
use spiderq_core::{
    error::Error,
    model::{JobKey, ProjectId},
    store::{CheckProgress, CheckScope, CheckSummary, Finding, Subject},
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{
    error::{Result, StepError},
    store_file::StoreFile,
};

/// How long a step waits for this process's own writer; another process cannot have the file.
const WRITER_TIMEOUT: Duration = Duration::from_secs(60);
/// KiB: each index is gone through, and jobs are looked up in no order.
const CACHE: i64 = 65_536;

/// Checks what is in `scope`, and repairs it if it is to.
pub(crate) async fn check(
    file: &StoreFile,
    scope: &CheckScope,
    repair: bool,
    report: &mut (dyn FnMut(CheckProgress) + Send),
) -> spiderq_core::error::Result<CheckSummary> {
    let connection = if repair { file.writer()? } else { file.reader()? };
    connection.busy_timeout(WRITER_TIMEOUT).map_err(StepError::from)?;
    connection.pragma_update(None, "cache_size", -CACHE).map_err(StepError::from)?;
    let (sender, mut progress) = unbounded_channel();
    let scope = scope.clone();
    let work = tokio::task::spawn_blocking(move || {
        let mut check = Check {
            connection: &connection,
            scope: &scope,
            repair,
            progress: sender,
            summary: CheckSummary::default(),
        };
        check.all()?;
        Ok::<_, StepError>(check.summary)
    });
    while let Some(progress) = progress.recv().await {
        report(progress);
    }
    work.await.map_err(Error::bug)?.map_err(Error::from)
}

/// A check under way.
struct Check<'a> {
    connection: &'a Connection,
    scope: &'a CheckScope,
    repair: bool,
    progress: UnboundedSender<CheckProgress>,
    summary: CheckSummary,
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
        // before repaired.
        self.step(|check| check.unnamed_spiders())?;
        self.step(|check| check.spiders())?;
        self.jobs()?;
        self.step(|check| check.tags())?;
        self.step(|check| check.unlisted_projects())?;
        self.step(|check| check.last_numbers())?;
        self.step(|check| check.sums())?;
        self.step(|check| check.job_counts())?;
        self.step(|check| check.job_blocks())?;
        self.step(|check| check.request_ids())?;
        self.summary.projects = self.count_projects()?;
        self.summary.set_aside = self.count_aside()?;
        Ok(())
    }

    /// Runs `work` in one transaction.
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

    /// Reports a finding; `mend` is run if it is to be repaired.
    fn found(
        &self,
        subject: Subject,
        what: impl Into<String>,
        mend: impl FnOnce(&Connection) -> Result<()>,
    ) -> Result<()> {
        if self.repair {
            mend(self.connection)?;
        }
        self.report_finding(subject, what.into(), self.repair);
        Ok(())
    }

    /// The same; what repairs it is one statement.
    fn found_by(
        &self,
        subject: Subject,
        what: impl Into<String>,
        mend: &str,
        parameters: impl Params,
    ) -> Result<()> {
        self.found(subject, what, |connection| {
            connection.execute(mend, parameters)?;
            Ok(())
        })
    }

    fn report_finding(&self, subject: Subject, what: String, repaired: bool) {
        self.report(CheckProgress::Finding(Finding { subject, what, repaired }));
    }

    fn report(&self, progress: CheckProgress) {
        // An error means that the caller has gone, and nobody reads the rest.
        let _ = self.progress.send(progress);
    }

    /// Rows that a statement finds wrong, of the scope, by their column `project`.
    fn wrong<T>(
        &self,
        sql: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<(Subject, T)>> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(subject) = self.project(row.get("project")?) {
                found.push((subject, read(row)?));
            }
        }
        Ok(found)
    }

    /// A project, if it is in the scope; the store for a number that no project can have.
    fn project(&self, number: i64) -> Option<Subject> {
        match ProjectId::new(number) {
            Ok(project) => self.scope.includes(project).then_some(Subject::Project(project)),
            Err(_) => self.scope.projects.is_empty().then_some(Subject::Store),
        }
    }
}

/// A job; the store if its numbers are none that a job can have.
fn job_subject(project: i64, spider: i64, job: i64) -> Subject {
    match JobKey::parse(&format!("{project}/{spider}/{job}")) {
        Ok(key) => Subject::Job(key),
        Err(_) => Subject::Store,
    }
}
