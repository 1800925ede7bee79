//! What a server does to the store without being asked.

use async_trait::async_trait;
use serde::Serialize;
use spiderq_core::{
    error::Result,
    model::{JobKey, Millis, ProjectId, State},
    store::{
        CheckProgress, CheckScope, CheckSummary, Durability, MAX_BATCH, Pruned, Retention,
        UpkeepStore,
    },
};

use crate::{
    RedisStore, due, durability, fsck,
    link::within,
    names::{CONFIG, LAST_ROUND, ProjectNames, job_key, member},
    outcome, scripts,
};

#[derive(Serialize)]
struct PostponeArg {
    member: String,
    until_ms: u64,
}

#[derive(Serialize)]
struct PruneArg {
    state: usize,
    from: Option<u64>,
    jobs: Option<u64>,
    bytes: Option<u64>,
    limit: usize,
}

#[async_trait]
impl UpkeepStore for RedisStore {
    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<JobKey>> {
        due::due(self, now, limit).await
    }

    async fn postpone(&self, key: JobKey, until: Millis) -> Result<()> {
        let argument = PostponeArg { member: member(key), until_ms: until.0 };
        let keys = ProjectNames(key.project).script(None);
        // Where nothing is due of the job, there is nothing to postpone.
        let _: outcome::Step =
            within(self.connection.run(&scripts::POSTPONE, &keys, &argument)).await?;
        Ok(())
    }

    async fn prune(
        &self,
        project: ProjectId,
        state: State,
        keep: &Retention,
        limit: usize,
    ) -> Result<Pruned> {
        let argument = PruneArg {
            state: state.index(),
            from: keep.from.map(|position| position.0),
            jobs: keep.jobs,
            bytes: keep.bytes,
            limit: limit.min(MAX_BATCH),
        };
        let keys = ProjectNames(project).script(None);
        let removed: (usize, Vec<String>) =
            within(self.connection.run(&scripts::PRUNE, &keys, &argument)).await?;
        let (count, members) = removed;
        // A member that is none is no job of anybody's.
        let keys = members.iter().filter_map(|member| job_key(project, member).ok()).collect();
        Ok(Pruned { count, keys })
    }

    async fn keep_round(&self, now: Millis) -> Result<()> {
        let mut pipe = redis::pipe();
        pipe.hset(CONFIG, LAST_ROUND, now.0).ignore();
        within(self.connection.pipe(&pipe)).await
    }

    async fn last_round(&self) -> Result<Option<Millis>> {
        let mut pipe = redis::pipe();
        pipe.hget(CONFIG, LAST_ROUND);
        let (last,): (Option<u64>,) = within(self.connection.pipe(&pipe)).await?;
        Ok(last.map(Millis))
    }

    async fn clock(&self) -> Result<Option<Millis>> {
        within(self.connection.clock()).await.map(Some)
    }

    async fn ping(&self) -> Result<()> {
        let mut pipe = redis::pipe();
        pipe.cmd("PING").ignore();
        within(self.connection.pipe(&pipe)).await
    }

    async fn durability(&self) -> Result<Durability> {
        within(durability::durability(self)).await
    }

    async fn check(
        &self,
        scope: &CheckScope,
        repair: bool,
        report: &mut (dyn FnMut(CheckProgress) + Send),
    ) -> Result<CheckSummary> {
        fsck::check(self, scope, repair, report).await
    }
}
