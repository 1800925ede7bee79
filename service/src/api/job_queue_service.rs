//! `JobQueueService`: the queue and its workers.

use futures::{StreamExt as _, stream};
use spiderq_proto::v1::{self, job_queue_service_server::JobQueueService};
use tokio::time::Instant;
use tonic::{Request, Response, async_trait, codegen::BoxStream};

use super::{Answer, Calls, decode, encode, summary};
use crate::{
    auth::Caller,
    domain::{Heartbeat, Order, Push, Start, Target, Update, Walk, request::RequestId},
};
use spiderq_core::{
    error::{Error, Result},
    model::ClaimFilter,
    model::{JobKey, Millis, SpiderKey, SpiderName, State, StateSet, Tags},
};

/// `spiderq.v1.JobQueueService` over the domain.
#[derive(Clone, Debug)]
pub struct QueueApi(pub(crate) Calls);

const FINISHED: [State; 1] = [State::Finished];

#[async_trait]
impl JobQueueService for QueueApi {
    async fn push_jobs(
        &self,
        request: Request<v1::PushJobsRequest>,
    ) -> Answer<v1::PushJobsResponse> {
        self.0
            .call("PushJobs", request, |on, message| async move {
                let id = decode::request(&message.request_id, &on.caller, "PushJobs", &message)?;
                let project = decode::project(message.project)?;
                let jobs = message.jobs.into_iter().map(push).collect();
                let pushed = on.domain.push(&on.caller, project, jobs, id).await?;
                let results = pushed.into_iter().map(pushed_job).collect();
                Ok(v1::PushJobsResponse { results })
            })
            .await
    }

    async fn start_job(
        &self,
        request: Request<v1::StartJobRequest>,
    ) -> Answer<v1::StartJobResponse> {
        self.0
            .call("StartJob", request, |on, message| async move {
                let id = start_id(&message, &on.caller)?;
                let start = start(message, on.due)?;
                let Some(started) = on.domain.start(&on.caller, start, id).await? else {
                    return Ok(v1::StartJobResponse::default());
                };
                Ok(v1::StartJobResponse {
                    lease_expires: started.job.lease_expires.map_or(0, encode::millis),
                    job: Some(encode::job(started.job)),
                    fence: started.fence.expose().to_owned(),
                    token: started.token,
                })
            })
            .await
    }

    async fn heartbeat(
        &self,
        request: Request<v1::HeartbeatRequest>,
    ) -> Answer<v1::HeartbeatResponse> {
        self.0
            .call("Heartbeat", request, |on, message| async move {
                let fence = decode::fence(&message.fence)?;
                let beat = Heartbeat {
                    key: JobKey::parse(&message.key)?,
                    fence: fence.ok_or_else(|| Error::invalid("fence", "is required"))?,
                    lease_ms: message.lease_ms,
                    counters: decode::counters(message.counters)?,
                };
                let vitals = on.domain.heartbeat(&on.caller, beat).await?;
                Ok(v1::HeartbeatResponse {
                    lease_expires: encode::millis(vitals.lease_expires),
                    stop_requested: vitals.stop_requested,
                })
            })
            .await
    }

    async fn update_queue(
        &self,
        request: Request<v1::UpdateQueueRequest>,
    ) -> Answer<v1::UpdateQueueResponse> {
        self.0
            .call("UpdateQueue", request, |on, message| async move {
                let id = decode::request(&message.request_id, &on.caller, "UpdateQueue", &message)?;
                let project = decode::project(message.project)?;
                let updates = message.updates.into_iter().map(update);
                let updates = updates.collect::<Result<_>>()?;
                let done = on.domain.update(&on.caller, project, updates, id).await?;
                let results = done.into_iter().map(|updated| v1::UpdatedJob {
                    key: updated.key.to_string(),
                    update: updated.update.try_into().unwrap_or(u32::MAX),
                    previous_state: updated
                        .result
                        .as_ref()
                        .map_or(0, |was| encode::state(*was).into()),
                    error: updated.result.err().map(encode::item_error),
                });
                Ok(v1::UpdateQueueResponse { results: results.collect() })
            })
            .await
    }

    async fn cancel_jobs(
        &self,
        request: Request<v1::CancelJobsRequest>,
    ) -> Answer<v1::CancelJobsResponse> {
        self.0
            .call("CancelJobs", request, |on, message| async move {
                let id = decode::request(&message.request_id, &on.caller, "CancelJobs", &message)?;
                let project = decode::project(message.project)?;
                let count = match (message.keys.is_empty(), message.oldest_pending) {
                    (false, 0) => {
                        let keys = decode::keys(&message.keys, "keys")?;
                        on.domain.cancel(&on.caller, project, &keys, id).await?
                    }
                    (true, most) => on.domain.cancel_oldest(&on.caller, project, most, id).await?,
                    (false, _) => {
                        return Err(Error::invalid("oldest_pending", "must not stand beside keys"));
                    }
                };
                Ok(v1::CancelJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn list_queue(
        &self,
        request: Request<v1::ListQueueRequest>,
    ) -> Answer<BoxStream<v1::ListQueueResponse>> {
        let id = super::request_id(request.metadata()).to_owned();
        let started = self
            .0
            .call("ListQueue", request, |on, message| async move {
                let rows = on.domain.walk(&on.caller, walk(message)?).await?;
                Ok((rows, on.domain.now()))
            })
            .await?;
        let (rows, now) = started.into_inner();
        let stream = stream::try_unfold(rows, move |mut rows| async move {
            Ok(rows.next().await?.map(|job| (row(job, now), rows)))
        });
        let stream = stream
            .map(move |row| row.map_err(|error: Error| super::refuse("ListQueue", &id, &error)));
        Ok(Response::new(stream.boxed()))
    }

    async fn count_queue(
        &self,
        request: Request<v1::CountQueueRequest>,
    ) -> Answer<v1::CountQueueResponse> {
        self.0
            .call("CountQueue", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let finished = FINISHED.into_iter().collect();
                let (filter, keys) = decode::filter(message.filter, finished, StateSet::ALL)?;
                let count = on.domain.count(&on.caller, project, &filter, &keys).await?;
                Ok(v1::CountQueueResponse { count: encode::count(count) })
            })
            .await
    }

    async fn summarize_queue(
        &self,
        request: Request<v1::SummarizeQueueRequest>,
    ) -> Answer<v1::SummarizeQueueResponse> {
        self.0
            .call("SummarizeQueue", request, |on, message| async move {
                let summarize = summary::decode(&message)?;
                let now = on.domain.now();
                let states = on.domain.summarize(&on.caller, &summarize).await?;
                Ok(summary::encode(states, now))
            })
            .await
    }

    async fn list_last_jobs(
        &self,
        request: Request<v1::ListLastJobsRequest>,
    ) -> Answer<v1::ListLastJobsResponse> {
        self.0
            .call("ListLastJobs", request, |on, message| async move {
                let last = summary::decode_last(&message)?;
                let now = encode::millis(on.domain.now());
                let jobs = encode::jobs(on.domain.last_jobs(&on.caller, &last).await?);
                Ok(v1::ListLastJobsResponse { jobs, now })
            })
            .await
    }
}

fn push(job: v1::NewJob) -> Result<Push> {
    let unique = Some(job.unique).filter(|unique| !unique.is_empty());
    if unique.as_ref().is_some_and(|unique| unique.len() > 1_024) {
        return Err(Error::invalid("unique", "must be 1 to 1024 bytes of text"));
    }
    Ok(Push {
        spider: SpiderName::parse(&job.spider)?,
        state: decode::state(job.state)?.unwrap_or(State::Pending),
        priority: decode::priority(job.priority)?,
        units: decode::units(job.units)?,
        tags: Tags::parse(&job.tags)?,
        unique,
        metadata: decode::metadata(job.metadata)?,
    })
}

fn pushed_job(result: Result<crate::domain::PushedJob, crate::domain::ItemError>) -> v1::PushedJob {
    use v1::pushed_job::Result::{Error, Key};
    match result {
        Ok((key, token)) => {
            v1::PushedJob { result: Some(Key(key.to_string())), token: token.unwrap_or_default() }
        }
        Err(error) => {
            v1::PushedJob { result: Some(Error(encode::item_error(error))), token: String::new() }
        }
    }
}

/// A call that is made again may wait for a different time.
fn start_id(message: &v1::StartJobRequest, caller: &Caller) -> Result<Option<RequestId>> {
    if message.request_id.is_empty() {
        return Ok(None);
    }
    let mut asked = message.clone();
    asked.wait_ms = 0;
    decode::request(&message.request_id, caller, "StartJob", &asked)
}

fn start(message: v1::StartJobRequest, due: Option<Instant>) -> Result<Start> {
    let max_units = match message.max_units {
        0 => None,
        most => Some(decode::units(Some(most)).map_err(|error| error.with_field("max_units"))?),
    };
    Ok(Start {
        project: decode::project(message.project)?,
        wanted: ClaimFilter {
            spiders: decode::spiders(&message.spiders)?,
            has_tags: decode::tags(&message.has_tags, "has_tags")?,
            lacks_tags: decode::tags(&message.lacks_tags, "lacks_tags")?,
            max_units: max_units.flatten(),
        },
        metadata: decode::metadata(message.metadata)?,
        lease_ms: message.lease_ms,
        wait_ms: message.wait_ms,
        due,
    })
}

fn update(update: v1::JobUpdate) -> Result<Update> {
    let target = match JobKey::parse(&update.key) {
        Ok(key) => Target::Job(key),
        Err(_) => Target::Spider(SpiderKey::parse(&update.key).map_err(|_| {
            Error::invalid("key", "must be a job key like 53/7/81 or a spider key like 53/7")
        })?),
    };
    Ok(Update {
        target,
        state: decode::state(update.state)?,
        metadata: decode::metadata(update.metadata)?,
        tags: decode::tag_edit(update.tags)?,
        priority: decode::priority(update.priority)?,
        units: decode::units(update.units)?,
        counters: decode::counters(update.counters)?,
        fence: decode::fence(&update.fence)?,
        close_reason: update.close_reason,
    })
}

fn walk(message: v1::ListQueueRequest) -> Result<Walk> {
    let finished = FINISHED.into_iter().collect();
    let (filter, keys) = decode::filter(message.filter, finished, StateSet::ALL)?;
    let stop = Some(message.stop.as_str()).filter(|stop| !stop.is_empty());
    Ok(Walk {
        project: decode::project(message.project)?,
        filter,
        keys,
        order: Order::Given,
        after: None,
        skip: message.start,
        most: if message.count == 0 { 1_000 } else { message.count },
        stop: stop
            .map(|stop| JobKey::parse(stop).map_err(|error| error.with_field("stop")))
            .transpose()?,
        fields: decode::fields(message.view, &message.metadata_fields)?,
    })
}

fn row(job: spiderq_core::model::Job, now: Millis) -> v1::ListQueueResponse {
    let elapsed = now.0.saturating_sub(job.position.ts().0);
    v1::ListQueueResponse { job: Some(encode::job(job)), elapsed: encode::count(elapsed) }
}
