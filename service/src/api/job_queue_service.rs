//! `JobQueueService`: pushing jobs, and handing them to workers.

use futures::{StreamExt as _, stream};
use spiderq_proto::v1::{
    self, cancel_jobs_request::Selection, job_queue_service_server::JobQueueService,
};
use tonic::{Request, Response, async_trait, codegen::BoxStream};

use super::{
    Call, Handlers, RpcResult,
    bulk::{self, BulkRequest},
    decode, encode, filter, new_job,
    paging::PageTokens,
    queue::{self, UpdateRequest},
    status, summarize,
    view::View,
};
use crate::domain::{BulkDone, PushedJob, UpdatedJob};
use spiderq_core::{
    error::{Error, Result},
    model::Quota,
};

/// The gRPC service `spiderq.v1.JobQueueService`.
#[derive(Clone, Debug)]
pub struct QueueApi(pub(crate) Handlers);

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
                let project = decode::project(message.project, None)?;
                let ended = |job: &&v1::NewJob| {
                    matches!(job.state(), v1::JobState::Finished | v1::JobState::Deleted)
                };
                let ended = message.jobs.iter().filter(ended).count();
                call.may_add_jobs(project, message.jobs.len() - ended).await?;
                let jobs = message.jobs.into_iter().map(new_job::push).collect();
                let pushed = call.domain.push_jobs(&call.caller, project, jobs, id).await?;
                let results = pushed.into_iter().enumerate().map(pushed_job).collect();
                Ok(v1::PushJobsResponse { results })
            })
            .await
    }

    async fn start_job(
        &self,
        request: Request<v1::StartJobRequest>,
    ) -> RpcResult<v1::StartJobResponse> {
        let kind = if queue::waits(request.get_ref()) { Quota::Waits } else { Quota::Calls };
        let credentials = super::credentials(request.metadata().as_ref());
        self.0
            .run_as(kind, "StartJob", request, |call, message| async move {
                let id = queue::start_id(&message, &call.caller)?;
                let start = queue::start(message, call.deadline, credentials)?;
                let Some(started) = call.domain.start_job(&call.caller, start, id).await? else {
                    return Ok(v1::StartJobResponse::default());
                };
                Ok(v1::StartJobResponse {
                    lease_expire_time: started.job.lease_expires.map(encode::time),
                    job: Some(encode::job(started.job, &View::FULL)),
                    fence: started.fence.expose(),
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
                let heartbeat = queue::heartbeat(message)?;
                let result = call.domain.heartbeat(&call.caller, heartbeat).await?;
                Ok(v1::HeartbeatResponse {
                    lease_expire_time: Some(encode::time(result.lease_expires)),
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
            .audited("UpdateQueue", request, |call, message| async move {
                let id =
                    decode::request_id(&message.request_id, &call.caller, "UpdateQueue", &message)?;
                let done = match UpdateRequest::decode(message.project, message.updates)? {
                    UpdateRequest::Malformed(done) => done,
                    UpdateRequest::OfProject(project, updates) => {
                        call.domain.update_queue(&call.caller, project, updates, id).await?
                    }
                };
                let results = done.into_iter().map(updated_job).collect();
                Ok(v1::UpdateQueueResponse { results })
            })
            .await
    }

    async fn cancel_jobs(
        &self,
        request: Request<v1::CancelJobsRequest>,
    ) -> RpcResult<v1::CancelJobsResponse> {
        self.0
            .audited("CancelJobs", request, |call, message| async move {
                let mut bound = message.clone();
                (bound.page_token, bound.request_id) = (String::new(), String::new());
                let tokens = PageTokens::of("CancelJobs", &bound);
                let done = cancel(&call, message, &tokens).await?;
                let (count, next_page_token) = bulk::done(done, &tokens);
                Ok(v1::CancelJobsResponse { count, next_page_token })
            })
            .await
    }

    async fn list_queue(
        &self,
        request: Request<v1::ListQueueRequest>,
    ) -> RpcResult<BoxStream<v1::ListQueueResponse>> {
        let id = super::request_id(request.metadata().as_ref()).to_owned();
        let started = self
            .0
            .run("ListQueue", request, |call, message| async move {
                let (query, view) = queue::list(message)?;
                let jobs = call.domain.list_jobs(&call.caller, query).await?;
                Ok((jobs, view, call.domain.now(), call.permit))
            })
            .await?;
        let (jobs, view, now, permit) = started.into_inner();
        let state = (jobs, view, permit);
        let stream = stream::try_unfold(state, move |(mut jobs, view, permit)| async move {
            let job = jobs.next().await?;
            Ok(job.map(|job| (queue::row(job, &view, now), (jobs, view, permit))))
        });
        let stream = stream
            .map(move |row| row.map_err(|error: Error| super::refuse("ListQueue", &id, &error)));
        Ok(Response::new(stream.boxed()))
    }

    async fn summarize_queue(
        &self,
        request: Request<v1::SummarizeQueueRequest>,
    ) -> RpcResult<v1::SummarizeQueueResponse> {
        self.0
            .run("SummarizeQueue", request, |call, message| async move {
                let (query, view) = summarize::decode(message)?;
                let now = call.domain.now();
                let mut room = call.domain.response_to(&call.caller);
                let states = call.domain.summarize_queue(&call.caller, &query, &mut room).await?;
                Ok((summarize::encode(states, &view, now), room.into_memory()))
            })
            .await
            .map(super::hold)
    }

    async fn list_last_jobs(
        &self,
        request: Request<v1::ListLastJobsRequest>,
    ) -> RpcResult<v1::ListLastJobsResponse> {
        self.0
            .run("ListLastJobs", request, |call, message| async move {
                summarize::last_jobs(&call.domain, &call.caller, message).await
            })
            .await
            .map(super::hold)
    }
}

/// Either the jobs of the filter, or the oldest pending ones.
async fn cancel(
    call: &Call,
    message: v1::CancelJobsRequest,
    tokens: &PageTokens,
) -> Result<BulkDone> {
    let id = decode::request_id(&message.request_id, &call.caller, "CancelJobs", &message)?;
    let v1::CancelJobsRequest { project, selection, validate_only, page_token, .. } = message;
    let limit = match selection {
        Some(Selection::OldestPending(limit)) => limit,
        Some(Selection::Filter(filter)) if !filter::is_empty(&filter) => {
            let filter = Some(filter);
            let jobs = BulkRequest { project, filter, validate_only, page_token };
            let jobs = jobs.decode(filter::LIVE, tokens, id)?;
            return call.domain.stop_jobs(&call.caller, jobs).await;
        }
        Some(Selection::Filter(_)) | None => {
            return Err(Error::invalid("filter", "is required, or oldest_pending"));
        }
    };
    if !page_token.is_empty() {
        return Err(Error::invalid("page_token", "must not stand beside oldest_pending"));
    }
    let project = decode::project(project, None)?;
    let count = if validate_only {
        call.domain.count_oldest(&call.caller, project, limit).await?
    } else {
        call.domain.cancel_oldest(&call.caller, project, limit, id).await?
    };
    Ok(BulkDone { count, next: None })
}

fn pushed_job((index, result): (usize, Result<PushedJob>)) -> v1::PushedJob {
    use v1::pushed_job::Result::{Added, Error};
    let result = match result {
        Ok((key, token)) => {
            Added(v1::AddedJob { key: key.to_string(), token: token.unwrap_or_default() })
        }
        Err(error) => Error(status::item_error(&error.within(&format!("jobs[{index}]")))),
    };
    v1::PushedJob { result: Some(result) }
}

fn updated_job(updated: UpdatedJob) -> v1::UpdatedJob {
    use v1::updated_job::Result::{Error, Made};
    let index = updated.update;
    let result = match updated.result {
        Ok(state) => Made(v1::MadeUpdate { previous_state: encode::state(state).into() }),
        Err(error) => Error(status::item_error(&error.within(&format!("updates[{index}]")))),
    };
    v1::UpdatedJob {
        key: updated.key.map(|key| key.to_string()).unwrap_or_default(),
        update_index: index.try_into().unwrap_or(i32::MAX),
        result: Some(result),
    }
}
