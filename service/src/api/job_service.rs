//! `JobService`: what people and programs do with jobs.

use spiderq_proto::v1::{self, job_service_server::JobService};
use tonic::{Request, async_trait, codegen::BoxStream};

use super::{Answer, Calls, decode, encode, list, watch, watch::Reader};
use crate::domain::{JobEdit, Schedule, SpiderRef};
use spiderq_core::{
    error::{Error, Result},
    model::{FieldName, JobKey, SpiderName, State, StateSet, Tags},
};

/// `spiderq.v1.JobService` over the domain.
#[derive(Clone, Debug)]
pub struct JobApi(pub(crate) Calls);

#[async_trait]
impl JobService for JobApi {
    async fn schedule_job(
        &self,
        request: Request<v1::ScheduleJobRequest>,
    ) -> Answer<v1::ScheduleJobResponse> {
        self.0
            .call("ScheduleJob", request, |on, message| async move {
                let id = decode::request(&message.request_id, &on.caller, "ScheduleJob", &message)?;
                let key = on.domain.schedule(&on.caller, schedule(message)?, id).await?;
                Ok(v1::ScheduleJobResponse { key: key.to_string() })
            })
            .await
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::GetJobResponse> {
        self.0
            .call("GetJob", request, |on, message| async move {
                let job = on.domain.job(&on.caller, JobKey::parse(&message.key)?).await?;
                Ok(v1::GetJobResponse { job: Some(encode::job(job)) })
            })
            .await
    }

    async fn list_jobs(
        &self,
        request: Request<v1::ListJobsRequest>,
    ) -> Answer<v1::ListJobsResponse> {
        self.0
            .call("ListJobs", request, |on, message| async move {
                list::list(&on.domain, &on.caller, message).await
            })
            .await
    }

    async fn count_jobs(
        &self,
        request: Request<v1::CountJobsRequest>,
    ) -> Answer<v1::CountJobsResponse> {
        self.0
            .call("CountJobs", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let (filter, keys) =
                    decode::filter(message.filter, StateSet::LIVE, StateSet::LIVE)?;
                let total = on.domain.count(&on.caller, project, &filter, &keys).await?;
                Ok(v1::CountJobsResponse { total: encode::count(total) })
            })
            .await
    }

    async fn update_jobs(
        &self,
        request: Request<v1::UpdateJobsRequest>,
    ) -> Answer<v1::UpdateJobsResponse> {
        self.0
            .call("UpdateJobs", request, |on, message| async move {
                let count = on.domain.edit(&on.caller, edit(message)?).await?;
                Ok(v1::UpdateJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn stop_jobs(
        &self,
        request: Request<v1::StopJobsRequest>,
    ) -> Answer<v1::StopJobsResponse> {
        self.0
            .call("StopJobs", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let keys = decode::keys(&message.keys, "keys")?;
                let count = on.domain.stop(&on.caller, project, &keys).await?;
                Ok(v1::StopJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn delete_jobs(
        &self,
        request: Request<v1::DeleteJobsRequest>,
    ) -> Answer<v1::DeleteJobsResponse> {
        self.0
            .call("DeleteJobs", request, |on, message| async move {
                let project = decode::project(message.project)?;
                let keys = decode::keys(&message.keys, "keys")?;
                let count = on.domain.delete(&on.caller, project, &keys).await?;
                Ok(v1::DeleteJobsResponse { count: encode::count(count) })
            })
            .await
    }

    async fn set_job_metadata(
        &self,
        request: Request<v1::SetJobMetadataRequest>,
    ) -> Answer<v1::SetJobMetadataResponse> {
        self.0
            .call("SetJobMetadata", request, |on, message| async move {
                let key = JobKey::parse(&message.key)?;
                let fields = decode::metadata(message.metadata)?;
                let fence = decode::fence(&message.fence)?;
                on.domain.set_metadata(&on.caller, key, fields, fence).await?;
                Ok(v1::SetJobMetadataResponse {})
            })
            .await
    }

    async fn delete_job_metadata(
        &self,
        request: Request<v1::DeleteJobMetadataRequest>,
    ) -> Answer<v1::DeleteJobMetadataResponse> {
        self.0
            .call("DeleteJobMetadata", request, |on, message| async move {
                let key = JobKey::parse(&message.key)?;
                let field = FieldName::parse(&message.field)?;
                let fence = decode::fence(&message.fence)?;
                on.domain.delete_metadata(&on.caller, key, field, fence).await?;
                Ok(v1::DeleteJobMetadataResponse {})
            })
            .await
    }

    async fn purge_job(
        &self,
        request: Request<v1::PurgeJobRequest>,
    ) -> Answer<v1::PurgeJobResponse> {
        self.0
            .call("PurgeJob", request, |on, message| async move {
                on.domain.purge(&on.caller, JobKey::parse(&message.key)?).await?;
                Ok(v1::PurgeJobResponse {})
            })
            .await
    }

    async fn get_job_token(
        &self,
        request: Request<v1::GetJobTokenRequest>,
    ) -> Answer<v1::GetJobTokenResponse> {
        self.0
            .call("GetJobToken", request, |on, message| async move {
                let key = JobKey::parse(&message.key)?;
                let token = on.domain.job_token(&on.caller, key).await?;
                Ok(v1::GetJobTokenResponse { token })
            })
            .await
    }

    async fn watch_jobs(
        &self,
        request: Request<v1::WatchJobsRequest>,
    ) -> Answer<BoxStream<v1::WatchJobsResponse>> {
        let reader = Reader::new(self.0.domain(), request.metadata());
        let begun = self
            .0
            .call("WatchJobs", request, |on, message| async move {
                on.domain.watch(&on.caller, watch::decode(message)?).await
            })
            .await?;
        Ok(begun.map(|watching| watch::stream(watching, reader)))
    }
}

fn schedule(message: v1::ScheduleJobRequest) -> Result<Schedule> {
    let spider = match (message.spider.is_empty(), message.spider_id) {
        (true, 0) => return Err(Error::invalid("spider", "is required")),
        (true, number) => SpiderRef::Number(decode::spider_id("spider_id", number)?),
        (false, _) => SpiderRef::Name(SpiderName::parse(&message.spider)?),
    };
    let settings = message.job_settings.as_deref();
    Ok(Schedule {
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

fn edit(message: v1::UpdateJobsRequest) -> Result<JobEdit> {
    let spider = message.spider.as_str();
    Ok(JobEdit {
        project: decode::project(message.project)?,
        keys: decode::keys(&message.keys, "keys")?,
        spider: (!spider.is_empty()).then(|| SpiderName::parse(spider)).transpose()?,
        tags: decode::tag_edit(message.tags)?,
        metadata: decode::metadata(message.metadata)?,
    })
}
