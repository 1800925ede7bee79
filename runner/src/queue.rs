//! The server, as a runner sees it: calls of `JobQueueService` and `JobService`, and what
//! their refusals mean for a job.

use std::{fmt, time::Duration};

use spiderq_proto::v1::{
    HeartbeatRequest, HeartbeatResponse, JobCounters, JobUpdate, StartJobRequest, StartJobResponse,
    UpdateQueueRequest, WatchJobsRequest, WatchJobsResponse, job_error::Code,
    job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
};
use tokio::time::timeout;
use tonic::{
    Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// How long an answer may take, beside what the call itself waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer: a job with all its metadata, and the room that the server has.
const MOST_BYTES: usize = 64 << 20;

/// Why a call was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The job is no longer ours, or no longer there.
    Lost,
    /// The server will never do it: why.
    Never(String),
    /// The caller may not do it: why.
    Forbidden(String),
    /// Try again: why.
    Away(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("the job is no longer this runner's"),
            Self::Never(why) | Self::Forbidden(why) | Self::Away(why) => f.write_str(why),
        }
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        use tonic::Code;
        let why = format!("{}: {}", status.code(), status.message());
        match status.code() {
            Code::FailedPrecondition | Code::NotFound => Self::Lost,
            Code::InvalidArgument
            | Code::ResourceExhausted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::AlreadyExists => Self::Never(why),
            Code::Unauthenticated | Code::PermissionDenied => Self::Forbidden(why),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Away(why),
        }
    }
}

/// A job that this runner holds.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) project: i64,
    pub(crate) key: String,
    pub(crate) fence: String,
}

// By hand: the fence must not show.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Held {
    /// An update of this job.
    pub(crate) fn update(&self) -> JobUpdate {
        JobUpdate { key: self.key.clone(), fence: self.fence.clone(), ..JobUpdate::default() }
    }
}

/// The server.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    queue: JobQueueServiceClient<Client>,
    jobs: JobServiceClient<Client>,
}

type Client = InterceptedService<Channel, Key>;

impl Queue {
    /// Connects at the first call, and again whenever it must. An error: the key can't be sent.
    pub(crate) fn new(endpoint: Endpoint, key: &str) -> Result<Self, String> {
        let value = format!("Bearer {key}").parse();
        let mut value: MetadataValue<Ascii> =
            value.map_err(|_| "must be 32 hexadecimal characters".to_owned())?;
        value.set_sensitive(true);
        let channel = endpoint
            .connect_timeout(PATIENCE)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20))
            .connect_lazy();
        let key = Key(value);
        let queue = JobQueueServiceClient::with_interceptor(channel.clone(), key.clone());
        let jobs = JobServiceClient::with_interceptor(channel, key);
        Ok(Self {
            queue: queue.max_decoding_message_size(MOST_BYTES),
            jobs: jobs.max_decoding_message_size(MOST_BYTES),
        })
    }

    /// Takes a job, waiting for one as long as the request says, but no longer than `patience`.
    pub(crate) async fn start(
        &self,
        request: StartJobRequest,
        patience: Duration,
    ) -> Result<StartJobResponse, Refusal> {
        let mut request = Request::new(request);
        request.set_timeout(patience);
        let mut queue = self.queue.clone();
        within(patience, queue.start_job(request)).await
    }

    /// Extends the lease.
    pub(crate) async fn heartbeat(
        &self,
        held: &Held,
        lease: Duration,
        counters: JobCounters,
    ) -> Result<HeartbeatResponse, Refusal> {
        let request = HeartbeatRequest {
            key: held.key.clone(),
            fence: held.fence.clone(),
            lease_ms: i64::try_from(lease.as_millis()).ok(),
            counters: Some(counters),
        };
        let mut queue = self.queue.clone();
        within(PATIENCE, queue.heartbeat(request)).await
    }

    /// Writes to a job that is held. With an id the write is safe to repeat.
    pub(crate) async fn update(
        &self,
        project: i64,
        update: JobUpdate,
        request_id: String,
    ) -> Result<(), Refusal> {
        let request = UpdateQueueRequest { project, updates: vec![update], request_id };
        let mut queue = self.queue.clone();
        let answer = within(PATIENCE, queue.update_queue(request)).await?;
        // No result: there is no such job any more.
        let Some(result) = answer.results.into_iter().next() else {
            return Err(Refusal::Lost);
        };
        let Some(error) = result.error else {
            return Ok(());
        };
        Err(match error.code() {
            Code::StaleFence | Code::WrongState => Refusal::Lost,
            Code::InvalidArgument | Code::Duplicate => Refusal::Never(error.message),
            Code::Forbidden => Refusal::Forbidden(error.message),
            Code::Unspecified | Code::Unavailable | Code::Internal => Refusal::Away(error.message),
        })
    }

    /// The events of a job.
    pub(crate) async fn watch(
        &self,
        held: &Held,
        cursor: String,
    ) -> Result<Streaming<WatchJobsResponse>, Status> {
        let request = WatchJobsRequest {
            project: held.project,
            key: held.key.clone(),
            cursor,
            ..WatchJobsRequest::default()
        };
        let answer = self.jobs.clone().watch_jobs(request).await?;
        Ok(answer.into_inner())
    }
}

async fn within<T>(
    patience: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Refusal> {
    match timeout(patience, call).await {
        Ok(answer) => Ok(answer?.into_inner()),
        Err(_) => Err(Refusal::Away("no answer in time".to_owned())),
    }
}

/// Adds `authorization` to every call.
#[derive(Clone, Debug)]
pub(crate) struct Key(MetadataValue<Ascii>);

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = self.0.clone();
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_whether_to_try_again() {
        let lost = Status::failed_precondition("STALE");
        assert_eq!(Refusal::from(lost), Refusal::Lost);
        let away = Refusal::from(Status::unavailable("x"));
        assert!(matches!(away, Refusal::Away(_)));
        let never = Refusal::from(Status::resource_exhausted("x"));
        assert!(matches!(never, Refusal::Never(_)));
        let forbidden = Refusal::from(Status::permission_denied("x"));
        assert!(matches!(forbidden, Refusal::Forbidden(_)));
    }

    #[tokio::test]
    async fn neither_key_nor_fence_shows() {
        let secret = "0123456789abcdef0123456789abcdef";
        let endpoint = Endpoint::from_static("http://127.0.0.1:1");
        let queue = Queue::new(endpoint, secret).unwrap();
        assert!(!format!("{queue:?}").contains(secret));
        let held = Held { project: 1, key: "1/1/1".to_owned(), fence: secret.to_owned() };
        assert!(!format!("{held:?}").contains(secret));
    }
}
