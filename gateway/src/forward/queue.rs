//! Passes JobQueueService on to a channel, call by call.

use futures::{StreamExt as _, stream::BoxStream};
use spiderq_proto::v1::{
    CancelJobsRequest, CancelJobsResponse, CountQueueRequest, CountQueueResponse, HeartbeatRequest,
    HeartbeatResponse, ListLastJobsRequest, ListLastJobsResponse, ListQueueRequest,
    ListQueueResponse, PushJobsRequest, PushJobsResponse, StartJobRequest, StartJobResponse,
    SummarizeQueueRequest, SummarizeQueueResponse, UpdateQueueRequest, UpdateQueueResponse,
    job_queue_service_client::JobQueueServiceClient, job_queue_service_server::JobQueueService,
};
use tonic::{Request, Response, Status, transport::Channel};

/// Calls the service behind the channel.
pub(super) struct Forward(pub(super) JobQueueServiceClient<Channel>);

#[tonic::async_trait]
impl JobQueueService for Forward {
    async fn push_jobs(
        &self,
        request: Request<PushJobsRequest>,
    ) -> Result<Response<PushJobsResponse>, Status> {
        self.0.clone().push_jobs(request).await
    }

    async fn start_job(
        &self,
        request: Request<StartJobRequest>,
    ) -> Result<Response<StartJobResponse>, Status> {
        self.0.clone().start_job(request).await
    }

    async fn heartbeat(
        &self,
        request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatResponse>, Status> {
        self.0.clone().heartbeat(request).await
    }

    async fn update_queue(
        &self,
        request: Request<UpdateQueueRequest>,
    ) -> Result<Response<UpdateQueueResponse>, Status> {
        self.0.clone().update_queue(request).await
    }

    async fn cancel_jobs(
        &self,
        request: Request<CancelJobsRequest>,
    ) -> Result<Response<CancelJobsResponse>, Status> {
        self.0.clone().cancel_jobs(request).await
    }

    async fn list_queue(
        &self,
        request: Request<ListQueueRequest>,
    ) -> Result<Response<BoxStream<'static, Result<ListQueueResponse, Status>>>, Status> {
        let answer = self.0.clone().list_queue(request).await?;
        Ok(answer.map(|messages| messages.boxed()))
    }

    async fn count_queue(
        &self,
        request: Request<CountQueueRequest>,
    ) -> Result<Response<CountQueueResponse>, Status> {
        self.0.clone().count_queue(request).await
    }

    async fn summarize_queue(
        &self,
        request: Request<SummarizeQueueRequest>,
    ) -> Result<Response<SummarizeQueueResponse>, Status> {
        self.0.clone().summarize_queue(request).await
    }

    async fn list_last_jobs(
        &self,
        request: Request<ListLastJobsRequest>,
    ) -> Result<Response<ListLastJobsResponse>, Status> {
        self.0.clone().list_last_jobs(request).await
    }
}
