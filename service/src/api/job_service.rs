//! `JobService`: scheduling, reading and changing jobs.

use spiderq_proto::v1::{self, job_service_server::JobService};
use tonic::{Request, async_trait, codegen::BoxStream};

use super::{
    Handlers, RpcResult,
    bulk::{self, BulkRequest},
    decode, encode,
    fields::Fields,
    filter, list, new_job,
    paging::PageTokens,
    runner_service,
    view::View,
    watch,
    watch::Reader,
};
use crate::domain::{MetadataCondition, ScheduleJob, UpdateJobs};
use spiderq_core::{
    error::{Error, Result},
    model::{FieldName, JobKey, Metadata, Quota},
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
                let schedule = schedule(message)?;
                call.may_add_jobs(schedule.project, 1).await?;
                let scheduled = call.domain.schedule_job(&call.caller, schedule, id);
                let job = scheduled.await.map_err(|error| error.within("job"))?;
                let warnings = call.domain.run_warnings(&job).await;
                let warnings = warnings.into_iter().map(runner_service::warning).collect();
                let job = Some(encode::job(job, &View::FULL));
                Ok(v1::ScheduleJobResponse { job, warnings })
            })
            .await
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> RpcResult<v1::GetJobResponse> {
        self.0
            .run("GetJob", request, |call, message| async move {
                let job = call.domain.get_job(&call.caller, JobKey::parse(&message.key)?).await?;
                let memory = call.domain.response_with(&call.caller, &job).await?;
                Ok((v1::GetJobResponse { job: Some(encode::job(job, &View::FULL)) }, memory))
            })
            .await
            .map(super::hold)
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
            .map(super::hold)
    }

    async fn count_jobs(
        &self,
        request: Request<v1::CountJobsRequest>,
    ) -> RpcResult<v1::CountJobsResponse> {
        self.0
            .run("CountJobs", request, |call, message| async move {
                let jobs = filter::selection(message.project, message.filter, filter::LIVE)?;
                let count = call.domain.count_jobs(&call.caller, &jobs).await?;
                Ok(v1::CountJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn update_jobs(
        &self,
        request: Request<v1::UpdateJobsRequest>,
    ) -> RpcResult<v1::UpdateJobsResponse> {
        self.0
            .audited("UpdateJobs", request, |call, message| async move {
                let bound = v1::UpdateJobsRequest { page_token: String::new(), ..message.clone() };
                let tokens = PageTokens::of("UpdateJobs", &bound);
                let update = update(message, &tokens)?;
                let done = call.domain.update_jobs(&call.caller, update).await?;
                let (count, next_page_token) = bulk::done(done, &tokens);
                Ok(v1::UpdateJobsResponse { count, next_page_token })
            })
            .await
    }

    async fn stop_jobs(
        &self,
        request: Request<v1::StopJobsRequest>,
    ) -> RpcResult<v1::StopJobsResponse> {
        self.0
            .audited("StopJobs", request, |call, message| async move {
                let bound = v1::StopJobsRequest { page_token: String::new(), ..message.clone() };
                let tokens = PageTokens::of("StopJobs", &bound);
                let v1::StopJobsRequest { project, filter, validate_only, page_token } = message;
                let jobs = BulkRequest { project, filter, validate_only, page_token };
                let query = jobs.decode(filter::LIVE, &tokens, None)?;
                let done = call.domain.stop_jobs(&call.caller, query).await?;
                let (count, next_page_token) = bulk::done(done, &tokens);
                Ok(v1::StopJobsResponse { count, next_page_token })
            })
            .await
    }

    async fn delete_jobs(
        &self,
        request: Request<v1::DeleteJobsRequest>,
    ) -> RpcResult<v1::DeleteJobsResponse> {
        self.0
            .audited("DeleteJobs", request, |call, message| async move {
                let bound = v1::DeleteJobsRequest { page_token: String::new(), ..message.clone() };
                let tokens = PageTokens::of("DeleteJobs", &bound);
                let v1::DeleteJobsRequest { project, filter, validate_only, page_token } = message;
                let jobs = BulkRequest { project, filter, validate_only, page_token };
                let query = jobs.decode(filter::LIVE, &tokens, None)?;
                let done = call.domain.delete_jobs(&call.caller, query).await?;
                let (count, next_page_token) = bulk::done(done, &tokens);
                Ok(v1::DeleteJobsResponse { count, next_page_token })
            })
            .await
    }

    async fn restore_jobs(
        &self,
        request: Request<v1::RestoreJobsRequest>,
    ) -> RpcResult<v1::RestoreJobsResponse> {
        self.0
            .audited("RestoreJobs", request, |call, message| async move {
                let id =
                    decode::request_id(&message.request_id, &call.caller, "RestoreJobs", &message)?;
                let mut bound = message.clone();
                (bound.page_token, bound.request_id) = (String::new(), String::new());
                let tokens = PageTokens::of("RestoreJobs", &bound);
                let v1::RestoreJobsRequest { project, filter, validate_only, page_token, .. } =
                    message;
                let jobs = BulkRequest { project, filter, validate_only, page_token };
                let query = jobs.decode_deleted(&tokens, id)?;
                let done = call.domain.restore_jobs(&call.caller, query).await?;
                let (count, next_page_token) = bulk::done(done, &tokens);
                Ok(v1::RestoreJobsResponse { count, next_page_token })
            })
            .await
    }

    async fn set_job_metadata(
        &self,
        request: Request<v1::SetJobMetadataRequest>,
    ) -> RpcResult<v1::SetJobMetadataResponse> {
        self.0
            .run("SetJobMetadata", request, |call, message| async move {
                let (key, metadata, condition) = set_metadata(message)?;
                let written = call.domain.set_job_metadata(&call.caller, key, metadata, condition);
                Ok(v1::SetJobMetadataResponse { etag: encode::etag(written.await?) })
            })
            .await
    }

    async fn delete_job_metadata(
        &self,
        request: Request<v1::DeleteJobMetadataRequest>,
    ) -> RpcResult<v1::DeleteJobMetadataResponse> {
        self.0
            .run("DeleteJobMetadata", request, |call, message| async move {
                let (key, field, condition) = delete_metadata(&message)?;
                call.domain.delete_job_metadata(&call.caller, key, field, condition).await?;
                Ok(v1::DeleteJobMetadataResponse {})
            })
            .await
    }

    async fn purge_job(
        &self,
        request: Request<v1::PurgeJobRequest>,
    ) -> RpcResult<v1::PurgeJobResponse> {
        self.0
            .audited("PurgeJob", request, |call, message| async move {
                let key = JobKey::parse(&message.key)?;
                let purged = call.domain.purge_job(&call.caller, key).await?;
                Ok(v1::PurgeJobResponse { purged })
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
            .run_as(Quota::Watches, "WatchJobs", request, |call, message| async move {
                let query = watch::decode(message)?;
                Ok((query.begin(&call.domain, &call.caller).await?, call.permit))
            })
            .await?;
        Ok(started.map(|(watch, permit)| watch::stream(watch, reader, permit)))
    }
}

fn schedule(message: v1::ScheduleJobRequest) -> Result<ScheduleJob> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(message.project, None));
    let job = message.job.ok_or_else(|| Error::invalid("job", "is required").at(""));
    let job = fields.within("job", job.and_then(new_job::scheduled));
    let (Some(project), Some(job)) = (project, job) else { return Err(fields.into_error()) };
    Ok(new_job::schedule(project, job))
}

fn update(message: v1::UpdateJobsRequest, tokens: &PageTokens) -> Result<UpdateJobs> {
    let mut fields = Fields::default();
    let v1::UpdateJobsRequest { project, filter, validate_only, page_token, .. } = message;
    let jobs = BulkRequest { project, filter, validate_only, page_token };
    let query = fields.part(jobs.decode(filter::LIVE, tokens, None));
    let tags = fields.within("tag_changes", decode::tag_changes(message.tag_changes));
    let metadata = fields.part(decode::metadata(message.metadata_json));
    let (Some(query), Some(tags), Some(metadata)) = (query, tags, metadata) else {
        return Err(fields.into_error());
    };
    Ok(UpdateJobs { query, tags, metadata })
}

fn condition(fields: &mut Fields, fence: &str, etag: &str) -> Option<MetadataCondition> {
    let fence = fields.field("fence", decode::fence(fence));
    let unchanged_since = fields.field("etag", decode::etag(etag));
    Some(MetadataCondition { fence: fence?, unchanged_since: unchanged_since? })
}

fn set_metadata(
    message: v1::SetJobMetadataRequest,
) -> Result<(JobKey, Metadata, MetadataCondition)> {
    let mut fields = Fields::default();
    let key = fields.field("key", JobKey::parse(&message.key));
    let metadata = fields.part(decode::metadata(message.metadata_json));
    let condition = condition(&mut fields, &message.fence, &message.etag);
    let (Some(key), Some(metadata), Some(condition)) = (key, metadata, condition) else {
        return Err(fields.into_error());
    };
    Ok((key, metadata, condition))
}

fn delete_metadata(
    message: &v1::DeleteJobMetadataRequest,
) -> Result<(JobKey, FieldName, MetadataCondition)> {
    let mut fields = Fields::default();
    let key = fields.field("key", JobKey::parse(&message.key));
    let field = fields.field("field", FieldName::parse(&message.field));
    let condition = condition(&mut fields, &message.fence, &message.etag);
    let (Some(key), Some(field), Some(condition)) = (key, field, condition) else {
        return Err(fields.into_error());
    };
    Ok((key, field, condition))
}
