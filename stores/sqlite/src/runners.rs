//! Runners. A change of how one is writes one small row.

use async_trait::async_trait;
use rusqlite::{Connection, Row, named_params};
use spiderq_core::{
    error,
    model::{Millis, ProjectId, Runner, RunnerId, RunnerState, RunnerStatus, SpiderNames},
    store::RunnerStore,
};

use crate::{
    SqliteStore,
    error::{Result, corrupt},
    job_row::{decode_tags, encode_tags, first, int, spider_name},
};

#[async_trait]
impl RunnerStore for SqliteStore {
    async fn put_runner(
        &self,
        id: &RunnerId,
        runner: Runner,
        status: RunnerStatus,
    ) -> error::Result<()> {
        let id = id.clone();
        self.writer.call(move |connection| put(connection, &id, &runner, status)).await
    }

    async fn set_runner_status(&self, id: &RunnerId, status: RunnerStatus) -> error::Result<bool> {
        let id = id.clone();
        self.writer.call(move |connection| set_status(connection, &id, status)).await
    }

    async fn runner_statuses(&self) -> error::Result<Vec<(RunnerId, RunnerStatus)>> {
        self.readers.call(None, statuses).await
    }

    async fn runners(&self, ids: &[RunnerId]) -> error::Result<Vec<Option<Runner>>> {
        let ids = ids.to_vec();
        self.readers.call(None, move |connection| by_ids(connection, &ids)).await
    }

    async fn remove_runners(&self, ids: &[RunnerId]) -> error::Result<()> {
        let ids = ids.to_vec();
        self.writer.call(move |connection| remove(connection, &ids)).await
    }
}

fn put(
    connection: &Connection,
    id: &RunnerId,
    runner: &Runner,
    status: RunnerStatus,
) -> Result<()> {
    let mut statement = connection.prepare_cached(include_str!("sql/put_runner.sql"))?;
    statement.execute(named_params! {
        ":id": id.as_str(),
        ":owner": runner.owner,
        ":name": runner.name,
        ":version": runner.version,
        ":projects": lines(runner.projects.iter().map(ProjectId::to_string)),
        ":only_spiders": names(&runner.only_spiders),
        ":has_tags": encode_tags(&runner.has_tags),
        ":lacks_tags": encode_tags(&runner.lacks_tags),
        ":units": runner.units,
        ":spiders": runner.spiders.as_ref().map(names),
        ":started": int(runner.started.0),
    })?;
    set_status(connection, id, status)?;
    Ok(())
}

fn set_status(connection: &Connection, id: &RunnerId, status: RunnerStatus) -> Result<bool> {
    let mut statement = connection.prepare_cached(include_str!("sql/set_runner_status.sql"))?;
    let changed = statement.execute(named_params! {
        ":id": id.as_str(),
        ":reported": int(status.reported.0),
        ":state": status.state.as_str(),
        ":running_jobs": status.running_jobs,
        ":running_units": status.running_units,
        ":free_disk": status.free_disk.map(int),
    })?;
    Ok(changed == 1)
}

fn statuses(connection: &Connection) -> Result<Vec<(RunnerId, RunnerStatus)>> {
    let sql = "SELECT id, reported, state, running_jobs, running_units, free_disk \
               FROM runners ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get("id")?;
        let id = RunnerId::parse(&id).map_err(|_| corrupt("id of a runner"))?;
        found.push((id, status(row)?));
    }
    Ok(found)
}

fn status(row: &Row<'_>) -> Result<RunnerStatus> {
    let state: String = row.get("state")?;
    let state = RunnerState::ALL.into_iter().find(|known| known.as_str() == state);
    Ok(RunnerStatus {
        reported: Millis(row.get::<_, i64>("reported")?.cast_unsigned()),
        state: state.ok_or_else(|| corrupt("state of a runner"))?,
        running_jobs: row.get("running_jobs")?,
        running_units: row.get("running_units")?,
        free_disk: row.get::<_, Option<i64>>("free_disk")?.map(i64::cast_unsigned),
    })
}

fn by_ids(connection: &Connection, ids: &[RunnerId]) -> Result<Vec<Option<Runner>>> {
    let sql = "SELECT * FROM runners WHERE id = ?1";
    ids.iter()
        .map(|id| first(connection, sql, [id.as_str()], |row| Ok(runner(row)))?.transpose())
        .collect()
}

fn runner(row: &Row<'_>) -> Result<Runner> {
    let spiders = |text: String| {
        let names = text.lines().map(spider_name).collect::<Result<Vec<_>>>();
        names.map(SpiderNames::new)
    };
    let projects: String = row.get("projects")?;
    let projects = projects.lines().map(ProjectId::parse).collect::<error::Result<_>>();
    Ok(Runner {
        owner: row.get("owner")?,
        name: row.get("name")?,
        version: row.get("version")?,
        projects: projects.map_err(|_| corrupt("projects of a runner"))?,
        only_spiders: spiders(row.get("only_spiders")?)?,
        has_tags: decode_tags(&row.get::<_, String>("has_tags")?)?,
        lacks_tags: decode_tags(&row.get::<_, String>("lacks_tags")?)?,
        units: row.get("units")?,
        spiders: row.get::<_, Option<String>>("spiders")?.map(spiders).transpose()?,
        started: Millis(row.get::<_, i64>("started")?.cast_unsigned()),
    })
}

fn remove(connection: &Connection, ids: &[RunnerId]) -> Result<()> {
    let mut statement = connection.prepare_cached("DELETE FROM runners WHERE id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute([id.as_str()]).map(|_| ()))?;
    Ok(())
}

fn names(names: &SpiderNames) -> String {
    lines(names.iter().map(str::to_owned))
}

fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("\n")
}
