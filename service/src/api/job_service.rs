//! `JobService`: scheduling, reading and changing jobs.

use spiderq_proto::v1::{self, job_service_server::JobService};
use tonic::{Request, async_trait, codegen::BoxStream};

use super::{Handlers, RpcResult, decode, encode, list, watch, watch::Reader};
use crate::domain::{ScheduleJob, SpiderRef, UpdateJobs};
use spiderq_core::{
    error::{Error, Result},
    model::{FieldName, JobKey, SpiderName, State, StateSet, Tags},
};

/// The gRPC service `spiderq.v1.JobService`.
#[derive(Clone, Debug)]
pub struct JobApi(pub(crate) Handlers);

#[async_trait]
impl JobService for JobApi {
    async fn schedule_job(
        &self,
        request: Request<v1::ScheduleJobRequest>,
    ) -> RpcResult<v1::ScheduleJobResponse> {
        self.0
            .run("ScheduleJob", request, |call, message| async move {
                let id =
                    decode::request_id(&message.request_id, &call.caller, "ScheduleJob", &message)?;
                let key = call.domain.schedule_job(&call.caller, schedule(message)?, id).await?;
                Ok(v1::ScheduleJobResponse { key: key.to_string() })
            })
            .await
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> RpcResult<v1::GetJobResponse> {
        self.0
            .run("GetJob", request, |call, message| async move {
                let job = call.domain.get_job(&call.caller, JobKey::parse(&message.key)?).await?;
                Ok(v1::GetJobResponse { job: Some(encode::job(job)) })
            })
            .await
    }

    async fn list_jobs(
        &self,
        request: Request<v1::ListJobsRequest>,
    ) -> RpcResult<v1::ListJobsResponse> {
        self.0
            .run("ListJobs", request, |call, message| async move {
                list::list(&call.domain, &call.caller, message).await
            })
            .await
    }

    async fn count_jobs(
        &self,
        request: Request<v1::CountJobsRequest>,
    ) -> RpcResult<v1::CountJobsResponse> {
        self.0
            .run("CountJobs", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let (filter, keys) =
                    decode::filter(message.filter, StateSet::NOT_DELETED, StateSet::ALL)?;
                let total = call.domain.count_jobs(&call.caller, project, &filter, &keys).await?;
                Ok(v1::CountJobsResponse { total: encode::count(total) })
            })
            .await
    }

    async fn update_jobs(
        &self,
        request: Request<v1::UpdateJobsRequest>,
    ) -> RpcResult<v1::UpdateJobsResponse> {
        self.0
            .run("UpdateJobs", request, |call, message| async move {
                let count = call.domain.update_jobs(&call.caller, update(message)?).await?;
                Ok(v1::UpdateJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn stop_jobs(
        &self,
        request: Request<v1::StopJobsRequest>,
    ) -> RpcResult<v1::StopJobsResponse> {
        self.0
            .run("StopJobs", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let keys = decode::keys(&message.keys, "keys")?;
                let count = call.domain.stop_jobs(&call.caller, project, &keys, None).await?;
                Ok(v1::StopJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn delete_jobs(
        &self,
        request: Request<v1::DeleteJobsRequest>,
    ) -> RpcResult<v1::DeleteJobsResponse> {
        self.0
            .run("DeleteJobs", request, |call, message| async move {
                let project = decode::project(message.project)?;
                let keys = decode::keys(&message.keys, "keys")?;
                let count = call.domain.delete_jobs(&call.caller, project, &keys).await?;
                Ok(v1::DeleteJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn restore_jobs(
        &self,
        request: Request<v1::RestoreJobsRequest>,
    ) -> RpcResult<v1::RestoreJobsResponse> {
        self.0
            .run("RestoreJobs", request, |call, message| async move {
                let id =
                    decode::request_id(&message.request_id, &call.caller, "RestoreJobs", &message)?;
                let project = decode::project(message.project)?;
                let keys = decode::keys(&message.keys, "keys")?;
                let count = call.domain.restore_jobs(&call.caller, project, &keys, id).await?;
                Ok(v1::RestoreJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn set_job_metadata(
        &self,
        request: Request<v1::SetJobMetadataRequest>,
    ) -> RpcResult<v1::SetJobMetadataResponse> {
        self.0
            .run("SetJobMetadata", request, |call, message| async move {
                let key = JobKey::parse(&message.key)?;
                let fields = decode::metadata(message.metadata)?;
                let fence = decode::fence(&message.fence)?;
                call.domain.set_job_metadata(&call.caller, key, fields, fence).await?;
                Ok(v1::SetJobMetadataResponse {})
            })
            .await
    }

    async fn delete_job_metadata(
        &self,
        request: Request<v1::DeleteJobMetadataRequest>,
    ) -> RpcResult<v1::DeleteJobMetadataResponse> {
        self.0
            .run("DeleteJobMetadata", request, |call, message| async move {
                let key = JobKey::parse(&message.key)?;
                let field = FieldName::parse(&message.field)?;
                let fence = decode::fence(&message.fence)?;
                call.domain.delete_job_metadata(&call.caller, key, field, fence).await?;
                Ok(v1::DeleteJobMetadataResponse {})
            })
            .await
    }

    async fn purge_job(
        &self,
        request: Request<v1::PurgeJobRequest>,
    ) -> RpcResult<v1::PurgeJobResponse> {
        self.0
            .run("PurgeJob", request, |call, message| async move {
                call.domain.purge_job(&call.caller, JobKey::parse(&message.key)?).await?;
                Ok(v1::PurgeJobResponse {})
            })
            .await
    }

    async fn get_job_token(
        &self,
        request: Request<v1::GetJobTokenRequest>,
    ) -> RpcResult<v1::GetJobTokenResponse> {
        self.0
            .run("GetJobToken", request, |call, message| async move {
                let key = JobKey::parse(&message.key)?;
                let token = call.domain.get_job_token(&call.caller, key).await?;
                Ok(v1::GetJobTokenResponse { token })
            })
            .await
    }

    async fn watch_jobs(
        &self,
        request: Request<v1::WatchJobsRequest>,
    ) -> RpcResult<BoxStream<v1::WatchJobsResponse>> {
        let reader = Reader::new(self.0.domain(), request.metadata());
        let started = self
            .0
            .run("WatchJobs", request, |call, message| async move {
                call.domain.watch_jobs(&call.caller, watch::decode(message)?).await
            })
            .await?;
        Ok(started.map(|watch| watch::stream(watch, reader)))
    }
}

fn schedule(message: v1::ScheduleJobRequest) -> Result<ScheduleJob> {
    let spider = match (message.spider.is_empty(), message.spider_id) {
        (true, 0) => return Err(Error::invalid("spider", "is required")),
        (true, number) => SpiderRef::Number(decode::spider_id("spider_id", number)?),
        (false, _) => SpiderRef::Name(SpiderName::parse(&message.spider)?),
    };
    let settings = message.job_settings.as_deref();
    Ok(ScheduleJob {
        project: decode::project(message.project)?,
        spider,
        state: decode::state(message.state)?.unwrap_or(State::Pending),
        tags: Tags::parse(&message.tags).map_err(|error| error.with_field("tags"))?,
        priority: decode::priority(message.priority)?,
        units: decode::units(message.units)?,
        spider_args: message.spider_args,
        cmd_args: message.cmd_args,
        job_settings: settings.map(|text| decode::object("job_settings", text)).transpose()?,
        environment: message.environment,
        version: message.version,
        metadata: decode::metadata(message.metadata)?,
    })
}

fn update(message: v1::UpdateJobsRequest) -> Result<UpdateJobs> {
    let keys = decode::keys(&message.keys, "keys")?;
    // An empty filter is none: it would select all jobs.
    let mut filter = message.filter.unwrap_or_default();
    filter.states.retain(|state| *state != v1::JobState::Unspecified as i32);
    let filter = (filter != v1::JobFilter::default()).then_some(filter);
    let default = if keys.is_empty() { StateSet::NOT_DELETED } else { StateSet::ALL };
    let filter = filter.map(|filter| decode::filter(Some(filter), default, default)).transpose()?;
    if filter.as_ref().is_some_and(|(_, keys)| !keys.is_empty()) {
        return Err(Error::invalid("filter.keys", "must be empty; name the jobs in keys"));
    }
    Ok(UpdateJobs {
        project: decode::project(message.project)?,
        keys,
        filter: filter.map(|(filter, _)| filter),
        tags: decode::tag_changes(message.tags)?,
        metadata: decode::metadata(message.metadata)?,
    })
}
