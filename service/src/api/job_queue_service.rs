//! `JobQueueService`: pushing jobs, and handing them to workers.

use futures::{StreamExt as _, stream};
use spiderq_proto::v1::{self, job_queue_service_server::JobQueueService};
use tokio::time::Instant;
use tonic::{Request, Response, async_trait, codegen::BoxStream};

use super::{Handlers, RpcResult, decode, encode, status, summarize};
use crate::{
    auth::Caller,
    domain::{
        Heartbeat, ListOrder, ListQuery, PushJob, PushedJob, QueueUpdate, StartJob, UpdateTarget,
        request_id::RequestId,
    },
};
use spiderq_core::{
    error::{Error, Result},
    limits::{DEFAULT_QUEUE_COUNT, MAX_UNIQUE_BYTES},
    model::{ClaimFilter, Job, JobKey, Millis, SpiderKey, SpiderName, State, StateSet, Tags},
};

/// The gRPC service `spiderq.v1.JobQueueService`.
#[derive(Clone, Debug)]
pub struct QueueApi(pub(crate) Handlers);

/// The states of a list or count that names none and no keys.
const FINISHED: [State; 1] = [State::Finished];

#[async_trait]
impl JobQueueService for QueueApi {
    async fn push_jobs(
        &self,
        request: Request<v1::PushJobsRequest>,
    ) -> RpcResult<v1::PushJobsResponse> {
        self.0
            .run("PushJobs", request, |call, message| async move {
                let id =
                    decode::request_id(&message.request_id, &call.caller, "PushJobs", &message)?;
                let project = decode::project(message.project)?;
                let jobs = message.jobs.into_iter().map(push).collect();
                let pushed = call.domain.push_jobs(&call.caller, project, jobs, id).await?;
                let results = pushed.into_iter().map(pushed_job).collect();
                Ok(v1::PushJobsResponse { results })
            })
            .await
    }

    async fn start_job(
        &self,
        request: Request<v1::StartJobRequest>,
    ) -> RpcResult<v1::StartJobResponse> {
        self.0
            .run("StartJob", request, |call, message| async move {
                let id = start_id(&message, &call.caller)?;
                let start = start(message, call.deadline)?;
                let Some(started) = call.domain.start_job(&call.caller, start, id).await? else {
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
    ) -> RpcResult<v1::HeartbeatResponse> {
        self.0
            .run("Heartbeat", request, |call, message| async move {
                let heartbeat = Heartbeat {
                    key: JobKey::parse(&message.key)?,
                    fence: decode::fence(&message.fence)?,
                    lease_ms: message.lease_ms,
                    counters: decode::counters(message.counters)?,
                };
                let result = call.domain.heartbeat(&call.caller, heartbeat).await?;
                Ok(v1::HeartbeatResponse {
                    lease_expires: encode::millis(result.lease_expires),
                    stop_requested: result.stop_requested,
                })
            })
            .await
    }

    async fn update_queue(
        &self,
        request: Request<v1::UpdateQueueRequest>,
    ) -> RpcResult<v1::UpdateQueueResponse> {
        self.0
            .run("UpdateQueue", request, |call, message| async move {
                let id =
                    decode::request_id(&message.request_id, &call.caller, "UpdateQueue", &message)?;
                let project = decode::project(message.project)?;
                let updates = message.updates.into_iter().map(update).collect();
                let done = call.domain.update_queue(&call.caller, project, updates, id).await?;
                let results = done.into_iter().map(|updated| v1::UpdatedJob {
                    key: updated.key.map(|key| key.to_string()).unwrap_or_default(),
                    update: updated.update.try_into().unwrap_or(u32::MAX),
                    previous_state: updated
                        .result
                        .as_ref()
                        .map_or(0, |was| encode::state(*was).into()),
                    error: updated.result.as_ref().err().map(status::item_error),
                });
                Ok(v1::UpdateQueueResponse { results: results.collect() })
            })
            .await
    }

    async fn cancel_jobs(
        &self,
        request: Request<v1::CancelJobsRequest>,
    ) -> RpcResult<v1::CancelJobsResponse> {
        self.0
            .run("CancelJobs", request, |call, message| async move {
                let id =
                    decode::request_id(&message.request_id, &call.caller, "CancelJobs", &message)?;
                let project = decode::project(message.project)?;
                let count = match (message.keys.is_empty(), message.oldest_pending) {
                    (false, 0) => {
                        let keys = decode::keys(&message.keys, "keys")?;
                        call.domain.stop_jobs(&call.caller, project, &keys, id).await?
                    }
                    (true, limit) => {
                        call.domain.cancel_oldest(&call.caller, project, limit, id).await?
                    }
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
    ) -> RpcResult<BoxStream<v1::ListQueueResponse>> {
        let id = super::request_id(request.metadata()).to_owned();
        let started = self
            .0
            .run("ListQueue", request, |call, message| async move {
                let jobs = call.domain.list_jobs(&call.caller, list(message)?).await?;
                Ok((jobs, call.domain.now()))
            })
            .await?;
        let (jobs, now) = started.into_inner();
        let stream = stream::try_unfold(jobs, move |mut jobs| async move {
            Ok(jobs.next().await?.map(|job| (row(job, now), jobs)))
        });
        let stream = stream
            .map(move |row| row.map_err(|error: Error| super::refuse("ListQueue", &id, &error)));
        Ok(Response::new(stream.boxed()))
    }

    async fn count_queue(
        &self,
        request: Request<v1::CountQueueRequest>,
    ) -> RpcResult<v1::CountQueueResponse> {
        self.0
            .run("CountQueue", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let finished = FINISHED.into_iter().collect();
                let (filter, keys) = decode::filter(message.filter, finished, StateSet::ALL)?;
                let count = call.domain.count_jobs(&call.caller, project, &filter, &keys).await?;
                Ok(v1::CountQueueResponse { count: encode::count(count) })
            })
            .await
    }

    async fn summarize_queue(
        &self,
        request: Request<v1::SummarizeQueueRequest>,
    ) -> RpcResult<v1::SummarizeQueueResponse> {
        self.0
            .run("SummarizeQueue", request, |call, message| async move {
                let query = summarize::decode(&message)?;
                let now = call.domain.now();
                let states = call.domain.summarize_queue(&call.caller, &query).await?;
                Ok(summarize::encode(states, now))
            })
            .await
    }

    async fn list_last_jobs(
        &self,
        request: Request<v1::ListLastJobsRequest>,
    ) -> RpcResult<v1::ListLastJobsResponse> {
        self.0
            .run("ListLastJobs", request, |call, message| async move {
                let query = summarize::decode_last(&message)?;
                let now = encode::millis(call.domain.now());
                let jobs = encode::jobs(call.domain.list_last_jobs(&call.caller, &query).await?);
                Ok(v1::ListLastJobsResponse { jobs, now })
            })
            .await
    }
}

fn push(job: v1::NewJob) -> Result<PushJob> {
    let unique = Some(job.unique).filter(|unique| !unique.is_empty());
    if unique.as_ref().is_some_and(|unique| unique.len() > MAX_UNIQUE_BYTES) {
        let accepted = format!("must be 1 to {MAX_UNIQUE_BYTES} bytes of text");
        return Err(Error::invalid("unique", accepted));
    }
    Ok(PushJob {
        spider: SpiderName::parse(&job.spider)?,
        state: decode::state(job.state)?.unwrap_or(State::Pending),
        priority: decode::priority(job.priority)?,
        units: decode::units(job.units)?,
        tags: Tags::parse(&job.tags)?,
        unique,
        metadata: decode::metadata(job.metadata)?,
    })
}

fn pushed_job(result: Result<PushedJob>) -> v1::PushedJob {
    use v1::pushed_job::Result::{Error, Key};
    match result {
        Ok((key, token)) => {
            v1::PushedJob { result: Some(Key(key.to_string())), token: token.unwrap_or_default() }
        }
        Err(error) => {
            v1::PushedJob { result: Some(Error(status::item_error(&error))), token: String::new() }
        }
    }
}

/// The waiting time is not part of the request: a call that is made again may wait longer.
fn start_id(message: &v1::StartJobRequest, caller: &Caller) -> Result<Option<RequestId>> {
    if message.request_id.is_empty() {
        return Ok(None);
    }
    let mut asked = message.clone();
    asked.wait_ms = 0;
    decode::request_id(&message.request_id, caller, "StartJob", &asked)
}

fn start(message: v1::StartJobRequest, deadline: Option<Instant>) -> Result<StartJob> {
    let max_units = match message.max_units {
        0 => None,
        max => Some(decode::units(Some(max)).map_err(|error| error.with_field("max_units"))?),
    };
    Ok(StartJob {
        project: decode::project(message.project)?,
        filter: ClaimFilter {
            spiders: decode::spiders(&message.spiders)?,
            has_tags: decode::tags(&message.has_tags, "has_tags")?,
            lacks_tags: decode::tags(&message.lacks_tags, "lacks_tags")?,
            max_units: max_units.flatten(),
        },
        metadata: decode::metadata(message.metadata)?,
        lease_ms: message.lease_ms,
        wait_ms: message.wait_ms,
        deadline,
    })
}

fn update(update: v1::JobUpdate) -> Result<QueueUpdate> {
    let target = match JobKey::parse(&update.key) {
        Ok(key) => UpdateTarget::Job(key),
        Err(_) => UpdateTarget::Spider(SpiderKey::parse(&update.key).map_err(|_| {
            Error::invalid("key", "must be a job key like 53/7/81 or a spider key like 53/7")
        })?),
    };
    Ok(QueueUpdate {
        target,
        state: decode::state(update.state)?,
        metadata: decode::metadata(update.metadata)?,
        tags: decode::tag_changes(update.tags)?,
        priority: decode::priority(update.priority)?,
        units: decode::units(update.units)?,
        counters: decode::counters(update.counters)?,
        fence: decode::fence(&update.fence)?,
        close_reason: update.close_reason,
    })
}

fn list(message: v1::ListQueueRequest) -> Result<ListQuery> {
    let finished = FINISHED.into_iter().collect();
    let (filter, keys) = decode::filter(message.filter, finished, StateSet::ALL)?;
    let stop = Some(message.stop.as_str()).filter(|stop| !stop.is_empty());
    Ok(ListQuery {
        keys,
        order: ListOrder::Given,
        skip: message.start,
        limit: if message.count == 0 { DEFAULT_QUEUE_COUNT } else { message.count },
        stop: stop
            .map(|stop| JobKey::parse(stop).map_err(|error| error.with_field("stop")))
            .transpose()?,
        fields: decode::fields(message.view, &message.metadata_fields)?,
        ..ListQuery::new(decode::project(message.project)?, filter)
    })
}

fn row(job: Job, now: Millis) -> v1::ListQueueResponse {
    let elapsed = now.0.saturating_sub(job.position.ts().0);
    v1::ListQueueResponse { job: Some(encode::job(job)), elapsed: encode::count(elapsed) }
}
