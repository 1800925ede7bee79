//! The queue of a project: adding jobs, claiming them, and notifications of changes.

use async_trait::async_trait;
use spiderq_core::{
    error::Result,
    model::{ClaimFilter, JobKey, Millis, ProjectId, State},
    store::{
        AddOutcome, Claimed, Effect, EventCursor, Events, MAX_BATCH, NewJob, Notifications,
        QueueStore, RequestDigest,
    },
};

use crate::{
    RedisStore, claim,
    due::{begins_due, with_due},
    events,
    link::within,
    names::{ProjectNames, job_key, lanes},
    push,
};

#[async_trait]
impl QueueStore for RedisStore {
    async fn add(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Vec<AddOutcome>> {
        if jobs.is_empty() && request.is_none() {
            return Ok(Vec::new());
        }
        let any_due = jobs.iter().any(begins_due);
        let pushing = async {
            if request.is_none() {
                return self.push_batcher.push(project, jobs, now).await;
            }
            let jobs: Vec<&NewJob> = jobs.iter().collect();
            push::push(&self.connection, project, &jobs, now, request).await
        };
        let pushing = with_due(self, project, any_due, now, pushing);
        within(self.projects.register_with(project, project.get(), pushing)).await
    }

    async fn claim(
        &self,
        project: ProjectId,
        wanted: &ClaimFilter,
        effect: &Effect,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Option<Claimed>> {
        claim::claim(self, project, wanted, effect, now, request).await
    }

    async fn oldest_pending(&self, project: ProjectId, limit: usize) -> Result<Vec<JobKey>> {
        within(oldest_pending(self, project, limit)).await
    }

    async fn subscribe(&self, project: ProjectId) -> Result<Notifications> {
        within(self.hub.subscribe(project)).await
    }

    async fn subscribe_output(&self, project: ProjectId) -> Result<Notifications> {
        within(self.output_hub.subscribe(project)).await
    }

    async fn notify_output(&self, project: ProjectId) -> Result<()> {
        within(self.output_hub.notify(project)).await
    }

    async fn events(
        &self,
        project: ProjectId,
        after: Option<EventCursor>,
        limit: usize,
    ) -> Result<Events> {
        within(events::read(self, project, after, limit)).await
    }
}

async fn oldest_pending(
    store: &RedisStore,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<JobKey>> {
    let Some(last) = limit.min(MAX_BATCH).checked_sub(1) else {
        return Ok(Vec::new());
    };
    let mut pipe = redis::pipe();
    for lane in lanes(State::Pending) {
        let set = ProjectNames(project).set(&lane);
        pipe.cmd("ZRANGE").arg(set).arg(0).arg(last).arg("WITHSCORES");
    }
    let lanes: Vec<Vec<(String, f64)>> = store.connection.read(&pipe).await?;
    let mut found: Vec<(String, f64)> = lanes.into_iter().flatten().collect();
    found.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    found.truncate(last + 1);
    found.iter().map(|(member, _)| job_key(project, member)).collect()
}
