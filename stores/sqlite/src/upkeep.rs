//! What the server does to the store without being asked: leases that end, retention, checks.

use async_trait::async_trait;
use rusqlite::{Connection, named_params};
use spiderq_core::{
    error,
    model::{JobKey, Millis, ProjectId, State},
    store::{CheckProgress, CheckScope, CheckSummary, Durability, Pruned, Retention, UpkeepStore},
};

use crate::{
    SqliteStore,
    error::Result,
    fsck,
    job_row::{self, int, job_id, project_id, spider_id},
    ping, retention,
};

#[async_trait]
impl UpkeepStore for SqliteStore {
    async fn due(&self, now: Millis, limit: usize) -> error::Result<Vec<JobKey>> {
        self.short_reads.call(None, move |connection| due(connection, now, limit)).await
    }

    async fn postpone(&self, key: JobKey, until: Millis) -> error::Result<()> {
        let step = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(include_str!("sql/postpone.sql"))?;
            statement.execute(named_params! {
                ":project": int(key.project.get()),
                ":spider": int(key.spider.get()),
                ":job": int(key.job.get()),
                ":until": int(until.0),
            })?;
            Ok(())
        };
        self.writer.call(step).await
    }

    async fn prune(
        &self,
        project: ProjectId,
        state: State,
        keep: &Retention,
        limit: usize,
    ) -> error::Result<Pruned> {
        let keep = *keep;
        let step = move |connection: &_| retention::prune(connection, project, state, &keep, limit);
        self.write(project, step, |pruned| pruned.count > 0).await
    }

    async fn keep_round(&self, now: Millis) -> error::Result<()> {
        self.file.lock().keep_time(now)
    }

    async fn last_round(&self) -> error::Result<Option<Millis>> {
        self.file.lock().kept_time()
    }

    async fn clock(&self) -> error::Result<Option<Millis>> {
        Ok(None)
    }

    async fn ping(&self) -> error::Result<()> {
        ping::ping(self).await
    }

    async fn durability(&self) -> error::Result<Durability> {
        Ok(Durability {
            safe: true,
            report: "sqlite: WAL, synchronous=FULL; an answered write is on the disk".to_owned(),
        })
    }

    async fn check(
        &self,
        scope: &CheckScope,
        repair: bool,
        report: &mut (dyn FnMut(CheckProgress) + Send),
    ) -> error::Result<CheckSummary> {
        fsck::check(&self.file, scope, repair, report).await
    }
}

/// Running jobs of all projects whose `due` has come, the soonest first. Reads the index and no
/// row, so that a job whose row is damaged is named too.
fn due(connection: &Connection, now: Millis, limit: usize) -> Result<Vec<JobKey>> {
    let mut statement = connection.prepare_cached(include_str!("sql/due.sql"))?;
    let bounds = named_params! { ":now": int(now.0), ":limit": job_row::limit(limit) };
    let mut rows = statement.query(bounds)?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let (project, spider, job) = (row.get("project")?, row.get("spider")?, row.get("job")?);
        match key(project, spider, job) {
            Ok(key) => keys.push(key),
            Err(error) => tracing::error!(project, spider, job, ?error, "due job has no valid key"),
        }
    }
    Ok(keys)
}

fn key(project: i64, spider: i64, job: i64) -> Result<JobKey> {
    Ok(JobKey { project: project_id(project)?, spider: spider_id(spider)?, job: job_id(job)? })
}
