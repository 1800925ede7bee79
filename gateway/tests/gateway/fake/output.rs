//! The part of the fake that keeps what jobs put out.

use spiderq_proto::v1::*;
use tonic::{Request, Response, Status};

use super::{Fake, Pages};

#[tonic::async_trait]
impl job_output_service_server::JobOutputService for Fake {
    async fn append_output(
        &self,
        request: Request<AppendOutputRequest>,
    ) -> Result<Response<AppendOutputResponse>, Status> {
        self.respond(request)
    }
    async fn read_output(
        &self,
        request: Request<ReadOutputRequest>,
    ) -> Result<Response<Pages>, Status> {
        self.stream(request)
    }
    async fn get_output_stats(
        &self,
        request: Request<GetOutputStatsRequest>,
    ) -> Result<Response<GetOutputStatsResponse>, Status> {
        self.respond(request)
    }
}
