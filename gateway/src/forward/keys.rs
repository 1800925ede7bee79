//! Passes KeyService on to a channel, call by call.

use spiderq_proto::v1::{
    CreateKeyRequest, CreateKeyResponse, GetIdentityRequest, GetIdentityResponse, ListKeysRequest,
    ListKeysResponse, RevokeKeyRequest, RevokeKeyResponse, key_service_client::KeyServiceClient,
    key_service_server::KeyService,
};
use tonic::{Request, Response, Status, transport::Channel};

/// Calls the service behind the channel.
pub(super) struct Forward(pub(super) KeyServiceClient<Channel>);

#[tonic::async_trait]
impl KeyService for Forward {
    async fn create_key(
        &self,
        request: Request<CreateKeyRequest>,
    ) -> Result<Response<CreateKeyResponse>, Status> {
        self.0.clone().create_key(request).await
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        self.0.clone().list_keys(request).await
    }

    async fn revoke_key(
        &self,
        request: Request<RevokeKeyRequest>,
    ) -> Result<Response<RevokeKeyResponse>, Status> {
        self.0.clone().revoke_key(request).await
    }

    async fn get_identity(
        &self,
        request: Request<GetIdentityRequest>,
    ) -> Result<Response<GetIdentityResponse>, Status> {
        self.0.clone().get_identity(request).await
    }
}
