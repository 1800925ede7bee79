//! Runners: a hash of what each said once, and one of how they are.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spiderq_core::{
    error::{Error, Result},
    model::{
        Millis, ProjectId, Runner, RunnerId, RunnerState, RunnerStatus, SpiderName, SpiderNames,
        Tags,
    },
    store::RunnerStore,
};

use crate::{
    RedisStore,
    error::bad_reply,
    link::within,
    names::{RUNNER_STATUSES, RUNNERS},
};

/// A [`Runner`] as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredRunner {
    #[serde(default)]
    owner: String,
    name: String,
    version: String,
    projects: Vec<String>,
    only_spiders: Vec<String>,
    has_tags: Vec<String>,
    lacks_tags: Vec<String>,
    units: u32,
    spiders: Option<Vec<String>>,
    started: u64,
}

/// A [`RunnerStatus`] as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredStatus {
    reported: u64,
    state: String,
    running_jobs: u32,
    running_units: u32,
    free_disk: Option<u64>,
}

#[async_trait]
impl RunnerStore for RedisStore {
    async fn put_runner(&self, id: &RunnerId, runner: Runner, status: RunnerStatus) -> Result<()> {
        let mut pipe = redis::pipe();
        // Without its status it is not listed.
        pipe.hset(RUNNERS, id.as_str(), encode_runner(runner)?).ignore();
        pipe.hset(RUNNER_STATUSES, id.as_str(), encode_status(status)?).ignore();
        within(self.connection.pipe(&pipe)).await
    }

    /// A status that is left of a runner which was removed at the same moment is never read.
    async fn set_runner_status(&self, id: &RunnerId, status: RunnerStatus) -> Result<bool> {
        let mut look = redis::pipe();
        look.hexists(RUNNERS, id.as_str());
        let (exists,): (bool,) = within(self.connection.pipe(&look)).await?;
        if exists {
            let mut pipe = redis::pipe();
            pipe.hset(RUNNER_STATUSES, id.as_str(), encode_status(status)?).ignore();
            let () = within(self.connection.pipe(&pipe)).await?;
        }
        Ok(exists)
    }

    async fn runner_statuses(&self) -> Result<Vec<(RunnerId, RunnerStatus)>> {
        let mut pipe = redis::pipe();
        pipe.hgetall(RUNNER_STATUSES);
        let (found,): (Vec<(String, Vec<u8>)>,) = within(self.connection.pipe(&pipe)).await?;
        let mut found: Vec<_> = found
            .into_iter()
            .map(|(id, record)| {
                Ok((RunnerId::parse(&id).map_err(bad_reply)?, decode_status(&record)?))
            })
            .collect::<Result<_>>()?;
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    async fn runners(&self, ids: &[RunnerId]) -> Result<Vec<Option<Runner>>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        pipe.cmd("HMGET").arg(RUNNERS);
        ids.iter().for_each(|id| {
            pipe.arg(id.as_str());
        });
        let (found,): (Vec<Option<Vec<u8>>>,) = within(self.connection.pipe(&pipe)).await?;
        found
            .into_iter()
            .map(|record| record.map(|record| decode_runner(&record)).transpose())
            .collect()
    }

    async fn remove_runners(&self, ids: &[RunnerId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = ids.iter().map(RunnerId::as_str).collect();
        let mut pipe = redis::pipe();
        pipe.hdel(RUNNER_STATUSES, &ids).ignore();
        pipe.hdel(RUNNERS, &ids).ignore();
        within(self.connection.pipe(&pipe)).await
    }
}

fn encode_runner(runner: Runner) -> Result<Vec<u8>> {
    let stored = StoredRunner {
        owner: runner.owner,
        name: runner.name,
        version: runner.version,
        projects: runner.projects.iter().map(ProjectId::to_string).collect(),
        only_spiders: names(&runner.only_spiders),
        has_tags: words(&runner.has_tags),
        lacks_tags: words(&runner.lacks_tags),
        units: runner.units,
        spiders: runner.spiders.as_ref().map(names),
        started: runner.started.0,
    };
    rmp_serde::to_vec_named(&stored).map_err(Error::bug)
}

fn decode_runner(record: &[u8]) -> Result<Runner> {
    let stored: StoredRunner = rmp_serde::from_slice(record).map_err(bad_reply)?;
    let projects = stored.projects.iter().map(|project| ProjectId::parse(project));
    Ok(Runner {
        owner: stored.owner,
        name: stored.name,
        version: stored.version,
        projects: projects.collect::<Result<_>>().map_err(bad_reply)?,
        only_spiders: spiders(&stored.only_spiders)?,
        has_tags: tags(&stored.has_tags)?,
        lacks_tags: tags(&stored.lacks_tags)?,
        units: stored.units,
        spiders: stored.spiders.map(|names| spiders(&names)).transpose()?,
        started: Millis(stored.started),
    })
}

fn encode_status(status: RunnerStatus) -> Result<Vec<u8>> {
    let stored = StoredStatus {
        reported: status.reported.0,
        state: status.state.as_str().to_owned(),
        running_jobs: status.running_jobs,
        running_units: status.running_units,
        free_disk: status.free_disk,
    };
    rmp_serde::to_vec_named(&stored).map_err(Error::bug)
}

fn decode_status(record: &[u8]) -> Result<RunnerStatus> {
    let stored: StoredStatus = rmp_serde::from_slice(record).map_err(bad_reply)?;
    let state = RunnerState::ALL.into_iter().find(|known| known.as_str() == stored.state);
    Ok(RunnerStatus {
        reported: Millis(stored.reported),
        state: state.ok_or_else(|| bad_reply("an unknown state of a runner"))?,
        running_jobs: stored.running_jobs,
        running_units: stored.running_units,
        free_disk: stored.free_disk,
    })
}

fn names(names: &SpiderNames) -> Vec<String> {
    names.iter().map(str::to_owned).collect()
}

fn words(tags: &Tags) -> Vec<String> {
    tags.iter().map(|tag| tag.as_str().to_owned()).collect()
}

fn spiders(names: &[String]) -> Result<SpiderNames> {
    let names = names.iter().map(|name| SpiderName::parse(name));
    Ok(SpiderNames::new(names.collect::<Result<Vec<_>>>().map_err(bad_reply)?))
}

fn tags(names: &[String]) -> Result<Tags> {
    Tags::parse(names).map_err(bad_reply)
}
