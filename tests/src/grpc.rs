//! The generated gRPC clients over real TCP, with a bearer key in every call.

use spiderq_proto::v1::{
    api_key_service_client::ApiKeyServiceClient, audit_service_client::AuditServiceClient,
    job_output_service_client::JobOutputServiceClient,
    job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
    project_service_client::ProjectServiceClient, runner_service_client::RunnerServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// A channel that adds the key.
pub type Client = InterceptedService<Channel, Key>;

/// Calls one server as one caller.
#[derive(Clone, Debug)]
pub struct Grpc {
    channel: Channel,
    key: Key,
}

impl Grpc {
    /// Calls `url`, connecting at the first call, with `key` as bearer; empty: none.
    #[must_use]
    pub fn new(url: &str, key: &str) -> Self {
        let endpoint = Endpoint::from_shared(url.to_owned()).expect("a URL");
        Self { channel: endpoint.tcp_nodelay(true).connect_lazy(), key: Key::bearer(key) }
    }

    /// The same connection as another caller.
    #[must_use]
    pub fn with_authorization(&self, authorization: &str) -> Self {
        Self {
            channel: self.channel.clone(),
            key: Key(Some(authorization.parse().expect("a header of text"))),
        }
    }

    /// The connection, without a key.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The client of `JobService`.
    #[must_use]
    pub fn jobs(&self) -> JobServiceClient<Client> {
        JobServiceClient::with_interceptor(self.channel(), self.key.clone())
    }

    /// The client of `JobQueueService`.
    #[must_use]
    pub fn queue(&self) -> JobQueueServiceClient<Client> {
        JobQueueServiceClient::with_interceptor(self.channel(), self.key.clone())
    }

    /// The client of `JobOutputService`.
    #[must_use]
    pub fn output(&self) -> JobOutputServiceClient<Client> {
        JobOutputServiceClient::with_interceptor(self.channel(), self.key.clone())
    }

    /// The client of `ApiKeyService`.
    #[must_use]
    pub fn api_keys(&self) -> ApiKeyServiceClient<Client> {
        ApiKeyServiceClient::with_interceptor(self.channel(), self.key.clone())
    }

    /// The client of `AuditService`.
    #[must_use]
    pub fn audit(&self) -> AuditServiceClient<Client> {
        AuditServiceClient::with_interceptor(self.channel(), self.key.clone())
    }

    /// The client of `RunnerService`.
    #[must_use]
    pub fn runners(&self) -> RunnerServiceClient<Client> {
        RunnerServiceClient::with_interceptor(self.channel(), self.key.clone())
    }

    /// The client of `ProjectService`.
    #[must_use]
    pub fn projects(&self) -> ProjectServiceClient<Client> {
        ProjectServiceClient::with_interceptor(self.channel(), self.key.clone())
    }
}

/// Adds `authorization` to every call.
#[derive(Clone, Debug)]
pub struct Key(Option<MetadataValue<Ascii>>);

impl Key {
    fn bearer(key: &str) -> Self {
        let value = format!("Bearer {key}").parse().expect("a key of text");
        Self((!key.is_empty()).then_some(value))
    }
}

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}
