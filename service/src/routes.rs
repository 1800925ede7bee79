//! The gRPC services as one router, with reflection, health, compressed requests and limits.

use spiderq_proto::{
    DESCRIPTOR_SET,
    v1::{
        api_key_service_server::ApiKeyServiceServer, audit_service_server::AuditServiceServer,
        job_output_service_server::JobOutputServiceServer,
        job_queue_service_server::JobQueueServiceServer, job_service_server::JobServiceServer,
        project_service_server::ProjectServiceServer, runner_service_server::RunnerServiceServer,
    },
};
use tonic::{codec::CompressionEncoding::Gzip, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};
use tonic_reflection::server::Builder;

use crate::service::Service;
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_PUBLIC_REQUEST_BYTES, MAX_RESPONSE_BYTES},
};

// The generated servers have these methods in common, but no trait.
macro_rules! configured {
    ($server:expr) => {
        $server
            .accept_compressed(Gzip)
            // The server has bounded the message before.
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(MAX_RESPONSE_BYTES)
    };
}

/// What `grpc.health.v1` answers.
#[derive(Clone, Debug)]
pub struct Health(HealthReporter);

impl Health {
    const NAMES: [&'static str; 8] = [
        "",
        "spiderq.v1.JobService",
        "spiderq.v1.JobQueueService",
        "spiderq.v1.JobOutputService",
        "spiderq.v1.ProjectService",
        "spiderq.v1.ApiKeyService",
        "spiderq.v1.AuditService",
        "spiderq.v1.RunnerService",
    ];

    /// Says of every service whether it takes calls.
    pub async fn set(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in Self::NAMES {
            self.0.set_service_status(name, status).await;
        }
    }
}

/// All gRPC services of `service`, reflection (v1 and v1alpha) and health.
pub fn routes(service: &Service) -> Result<(Routes, Health)> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let v1 = reflection().build_v1().map_err(Error::bug)?;
    let v1alpha = reflection().build_v1alpha().map_err(Error::bug)?;
    let mut routes = Routes::builder();
    routes
        .add_service(configured!(JobServiceServer::new(service.jobs())))
        .add_service(configured!(JobQueueServiceServer::new(service.queue())))
        .add_service(configured!(JobOutputServiceServer::new(service.output())))
        .add_service(configured!(ProjectServiceServer::new(service.projects())))
        .add_service(configured!(ApiKeyServiceServer::new(service.keys())))
        .add_service(configured!(AuditServiceServer::new(service.audit())))
        .add_service(configured!(RunnerServiceServer::new(service.runners())))
        .add_service(health.max_decoding_message_size(MAX_PUBLIC_REQUEST_BYTES))
        .add_service(v1.max_decoding_message_size(MAX_PUBLIC_REQUEST_BYTES))
        .add_service(v1alpha.max_decoding_message_size(MAX_PUBLIC_REQUEST_BYTES));
    Ok((routes.routes().prepare(), Health(reporter)))
}
