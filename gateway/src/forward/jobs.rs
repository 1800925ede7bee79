//! Passes JobService on to a channel, call by call.

use futures::{StreamExt as _, stream::BoxStream};
use spiderq_proto::v1::{
    CountJobsRequest, CountJobsResponse, DeleteJobMetadataRequest, DeleteJobMetadataResponse,
    DeleteJobsRequest, DeleteJobsResponse, GetJobRequest, GetJobResponse, GetJobTokenRequest,
    GetJobTokenResponse, ListJobsRequest, ListJobsResponse, PurgeJobRequest, PurgeJobResponse,
    ScheduleJobRequest, ScheduleJobResponse, SetJobMetadataRequest, SetJobMetadataResponse,
    StopJobsRequest, StopJobsResponse, UpdateJobsRequest, UpdateJobsResponse, WatchJobsRequest,
    WatchJobsResponse, job_service_client::JobServiceClient, job_service_server::JobService,
};
use tonic::{Request, Response, Status, transport::Channel};

/// Calls the service behind the channel.
pub(super) struct Forward(pub(super) JobServiceClient<Channel>);

#[tonic::async_trait]
impl JobService for Forward {
    async fn schedule_job(
        &self,
        request: Request<ScheduleJobRequest>,
    ) -> Result<Response<ScheduleJobResponse>, Status> {
        self.0.clone().schedule_job(request).await
    }

    async fn get_job(
        &self,
        request: Request<GetJobRequest>,
    ) -> Result<Response<GetJobResponse>, Status> {
        self.0.clone().get_job(request).await
    }

    async fn list_jobs(
        &self,
        request: Request<ListJobsRequest>,
    ) -> Result<Response<ListJobsResponse>, Status> {
        self.0.clone().list_jobs(request).await
    }

    async fn count_jobs(
        &self,
        request: Request<CountJobsRequest>,
    ) -> Result<Response<CountJobsResponse>, Status> {
        self.0.clone().count_jobs(request).await
    }

    async fn update_jobs(
        &self,
        request: Request<UpdateJobsRequest>,
    ) -> Result<Response<UpdateJobsResponse>, Status> {
        self.0.clone().update_jobs(request).await
    }

    async fn stop_jobs(
        &self,
        request: Request<StopJobsRequest>,
    ) -> Result<Response<StopJobsResponse>, Status> {
        self.0.clone().stop_jobs(request).await
    }

    async fn delete_jobs(
        &self,
        request: Request<DeleteJobsRequest>,
    ) -> Result<Response<DeleteJobsResponse>, Status> {
        self.0.clone().delete_jobs(request).await
    }

    async fn set_job_metadata(
        &self,
        request: Request<SetJobMetadataRequest>,
    ) -> Result<Response<SetJobMetadataResponse>, Status> {
        self.0.clone().set_job_metadata(request).await
    }

    async fn delete_job_metadata(
        &self,
        request: Request<DeleteJobMetadataRequest>,
    ) -> Result<Response<DeleteJobMetadataResponse>, Status> {
        self.0.clone().delete_job_metadata(request).await
    }

    async fn purge_job(
        &self,
        request: Request<PurgeJobRequest>,
    ) -> Result<Response<PurgeJobResponse>, Status> {
        self.0.clone().purge_job(request).await
    }

    async fn get_job_token(
        &self,
        request: Request<GetJobTokenRequest>,
    ) -> Result<Response<GetJobTokenResponse>, Status> {
        self.0.clone().get_job_token(request).await
    }

    async fn watch_jobs(
        &self,
        request: Request<WatchJobsRequest>,
    ) -> Result<Response<BoxStream<'static, Result<WatchJobsResponse, Status>>>, Status> {
        let answer = self.0.clone().watch_jobs(request).await?;
        Ok(answer.map(|messages| messages.boxed()))
    }
}
