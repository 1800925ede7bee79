//! Passes ProjectService on to a channel, call by call.

use spiderq_proto::v1::{
    DeleteSettingsRequest, DeleteSettingsResponse, GetServerTimeRequest, GetServerTimeResponse,
    GetSettingsRequest, GetSettingsResponse, GetSpiderRequest, GetSpiderResponse,
    LimitSpiderRequest, LimitSpiderResponse, ListProjectsRequest, ListProjectsResponse,
    ListSpidersRequest, ListSpidersResponse, SetSettingsRequest, SetSettingsResponse,
    SummarizeProjectsRequest, SummarizeProjectsResponse, UpdateSpiderTagsRequest,
    UpdateSpiderTagsResponse, project_service_client::ProjectServiceClient,
    project_service_server::ProjectService,
};
use tonic::{Request, Response, Status, transport::Channel};

/// Calls the service behind the channel.
pub(super) struct Forward(pub(super) ProjectServiceClient<Channel>);

#[tonic::async_trait]
impl ProjectService for Forward {
    async fn list_projects(
        &self,
        request: Request<ListProjectsRequest>,
    ) -> Result<Response<ListProjectsResponse>, Status> {
        self.0.clone().list_projects(request).await
    }

    async fn summarize_projects(
        &self,
        request: Request<SummarizeProjectsRequest>,
    ) -> Result<Response<SummarizeProjectsResponse>, Status> {
        self.0.clone().summarize_projects(request).await
    }

    async fn list_spiders(
        &self,
        request: Request<ListSpidersRequest>,
    ) -> Result<Response<ListSpidersResponse>, Status> {
        self.0.clone().list_spiders(request).await
    }

    async fn get_spider(
        &self,
        request: Request<GetSpiderRequest>,
    ) -> Result<Response<GetSpiderResponse>, Status> {
        self.0.clone().get_spider(request).await
    }

    async fn update_spider_tags(
        &self,
        request: Request<UpdateSpiderTagsRequest>,
    ) -> Result<Response<UpdateSpiderTagsResponse>, Status> {
        self.0.clone().update_spider_tags(request).await
    }

    async fn limit_spider(
        &self,
        request: Request<LimitSpiderRequest>,
    ) -> Result<Response<LimitSpiderResponse>, Status> {
        self.0.clone().limit_spider(request).await
    }

    async fn get_settings(
        &self,
        request: Request<GetSettingsRequest>,
    ) -> Result<Response<GetSettingsResponse>, Status> {
        self.0.clone().get_settings(request).await
    }

    async fn set_settings(
        &self,
        request: Request<SetSettingsRequest>,
    ) -> Result<Response<SetSettingsResponse>, Status> {
        self.0.clone().set_settings(request).await
    }

    async fn delete_settings(
        &self,
        request: Request<DeleteSettingsRequest>,
    ) -> Result<Response<DeleteSettingsResponse>, Status> {
        self.0.clone().delete_settings(request).await
    }

    async fn get_server_time(
        &self,
        request: Request<GetServerTimeRequest>,
    ) -> Result<Response<GetServerTimeResponse>, Status> {
        self.0.clone().get_server_time(request).await
    }
}
