//! The services of another process, as `spiderq gateway --upstream` uses them.

use std::sync::Arc;

use spiderq_core::limits::MAX_RESPONSE_BYTES;
use spiderq_proto::{
    upstream,
    v1::{
        api_key_service_client::ApiKeyServiceClient,
        job_output_service_client::JobOutputServiceClient,
        job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
        project_service_client::ProjectServiceClient, runner_service_client::RunnerServiceClient,
    },
};
use tonic::transport::Channel;

use crate::services::Services;

/// Services that call those behind `channel`. A response may have up to [`MAX_RESPONSE_BYTES`],
/// as a page of many jobs exceeds tonic's default of 4 MiB.
#[must_use]
pub fn upstream(channel: Channel) -> Services {
    let jobs = JobServiceClient::new(channel.clone());
    let queue = JobQueueServiceClient::new(channel.clone());
    let output = JobOutputServiceClient::new(channel.clone());
    let projects = ProjectServiceClient::new(channel.clone());
    let runners = RunnerServiceClient::new(channel.clone());
    let api_keys = ApiKeyServiceClient::new(channel);
    let max = MAX_RESPONSE_BYTES;
    Services {
        jobs: Arc::new(upstream::JobService(jobs.max_decoding_message_size(max))),
        queue: Arc::new(upstream::JobQueueService(queue.max_decoding_message_size(max))),
        output: Arc::new(upstream::JobOutputService(output.max_decoding_message_size(max))),
        projects: Arc::new(upstream::ProjectService(projects.max_decoding_message_size(max))),
        runners: Arc::new(upstream::RunnerService(runners.max_decoding_message_size(max))),
        api_keys: Arc::new(upstream::ApiKeyService(api_keys.max_decoding_message_size(max))),
    }
}
