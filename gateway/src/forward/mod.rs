//! The services of another process, as the same traits: `spiderq gateway --upstream`.
//! Adds nothing to a call and takes nothing away.

use std::sync::Arc;

use spiderq_proto::v1::{
    job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
    key_service_client::KeyServiceClient, project_service_client::ProjectServiceClient,
};
use tonic::transport::Channel;

use crate::services::Services;

mod jobs;
mod keys;
mod projects;
mod queue;

/// Most bytes of an answer: a page of 1,000 jobs in full view may pass the 4 MiB default.
const MAX_ANSWER: usize = 64 << 20;

/// Services that call those behind `channel`.
#[must_use]
pub fn forward(channel: Channel) -> Services {
    let jobs = JobServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER);
    let queue = JobQueueServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER);
    let projects = ProjectServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER);
    let keys = KeyServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER);
    Services {
        jobs: Arc::new(jobs::Forward(jobs)),
        queue: Arc::new(queue::Forward(queue)),
        projects: Arc::new(projects::Forward(projects)),
        keys: Arc::new(keys::Forward(keys)),
    }
}
