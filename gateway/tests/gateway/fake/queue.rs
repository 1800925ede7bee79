//! The part of the fake that is the queue.

use spiderq_proto::v1::*;
use tonic::{Request, Response, Status};

use super::{Fake, Rows};

#[tonic::async_trait]
impl job_queue_service_server::JobQueueService for Fake {
    async fn push_jobs(
        &self,
        request: Request<PushJobsRequest>,
    ) -> Result<Response<PushJobsResponse>, Status> {
        self.respond(request)
    }
    async fn start_job(
        &self,
        request: Request<StartJobRequest>,
    ) -> Result<Response<StartJobResponse>, Status> {
        self.respond(request)
    }
    async fn heartbeat(
        &self,
        request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatResponse>, Status> {
        self.respond(request)
    }
    async fn update_queue(
        &self,
        request: Request<UpdateQueueRequest>,
    ) -> Result<Response<UpdateQueueResponse>, Status> {
        self.respond(request)
    }
    async fn cancel_jobs(
        &self,
        request: Request<CancelJobsRequest>,
    ) -> Result<Response<CancelJobsResponse>, Status> {
        self.respond(request)
    }
    async fn list_queue(
        &self,
        request: Request<ListQueueRequest>,
    ) -> Result<Response<Rows>, Status> {
        self.stream(request)
    }
    async fn summarize_queue(
        &self,
        request: Request<SummarizeQueueRequest>,
    ) -> Result<Response<SummarizeQueueResponse>, Status> {
        self.respond(request)
    }
    async fn list_last_jobs(
        &self,
        request: Request<ListLastJobsRequest>,
    ) -> Result<Response<ListLastJobsResponse>, Status> {
        self.respond(request)
    }
}
