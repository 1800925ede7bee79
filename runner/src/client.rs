//! The server as a runner sees it: the calls of `JobQueueService` and `JobService` that it makes,
//! and what their errors mean for a job.

use std::{fmt, time::Duration};

use bytes::Bytes;
use spiderq_core::{Backoff, TlsFailure, limits::MAX_RESPONSE_BYTES};
use spiderq_proto::{
    time::duration,
    v1::{
        AppendOutputRequest, GetOutputStatsRequest, HeartbeatRequest, HeartbeatResponse,
        JobCounters, JobUpdate, OutputKind, RegisterRunnerRequest, ReportRunnerRequest, Runner,
        RunnerStatus, StartJobRequest, StartJobResponse, UpdateQueueRequest, WatchJobsRequest,
        WatchJobsResponse, job_output_service_client::JobOutputServiceClient,
        job_queue_service_client::JobQueueServiceClient, job_service_client::JobServiceClient,
        job_update::Target, runner_service_client::RunnerServiceClient, updated_job,
    },
};
use tokio::time::timeout;
use tonic::{
    Code, Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::terminal;

/// For connecting, and for the response to a call that does not wait for a job.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Before a failed call is tried again. Every retry of this crate pauses so.
pub(crate) const RETRY_BACKOFF: Backoff =
    Backoff::new(Duration::from_millis(250), Duration::from_secs(5));

/// Why a call failed, by what the runner must do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The fence is stale, or the job is no longer running or no longer exists: the runner must
    /// abandon it.
    LeaseLost,
    /// The server will never accept this request.
    Rejected(String),
    /// The API key is unknown or may not do this.
    Forbidden(String),
    /// The same request may succeed later.
    Unavailable(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaseLost => f.write_str("this runner no longer holds the job"),
            Self::Rejected(why) | Self::Forbidden(why) | Self::Unavailable(why) => f.write_str(why),
        }
    }
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        if let Some(failure) = TlsFailure::find(&status) {
            return Self::Unavailable(failure.to_string());
        }
        let why = format!("{}: {}", status.code(), status.message());
        // A call beyond a quota may be made later, one with too much in it may not.
        if status.get_details_retry_info().is_some() {
            return Self::Unavailable(why);
        }
        Self::of_code(status.code(), why)
    }
}

impl CallError {
    /// Of a call, or of one item of it.
    fn of_code(code: Code, why: String) -> Self {
        match code {
            Code::FailedPrecondition | Code::NotFound => Self::LeaseLost,
            Code::InvalidArgument
            | Code::ResourceExhausted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::AlreadyExists => Self::Rejected(why),
            Code::Unauthenticated | Code::PermissionDenied => Self::Forbidden(why),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Unavailable(why),
        }
    }
}

/// Why lines of a job's output were not stored, by what the runner must do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AppendError {
    /// The server keeps no output.
    Disabled,
    /// The job's output is as large as it may be.
    TooLarge,
    /// The API key is unknown or may not do this.
    Forbidden(String),
    /// The server will never store these lines: the job is another's, for example.
    Refused(String),
    /// The same call may succeed later.
    Unavailable(String),
}

impl From<Status> for AppendError {
    fn from(status: Status) -> Self {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        match (reason.as_str(), CallError::from(status.clone())) {
            ("OUTPUT_DISABLED", _) => Self::Disabled,
            _ if status.code() == Code::Unimplemented => Self::Disabled,
            (_, CallError::Unavailable(why)) => Self::Unavailable(why),
            ("TOO_LARGE", _) => Self::TooLarge,
            (_, CallError::Forbidden(why)) => Self::Forbidden(why),
            (_, error) => Self::Refused(error.to_string()),
        }
    }
}

/// A job whose lease this runner holds.
#[derive(Clone)]
pub(crate) struct HeldJob {
    pub(crate) project: i64,
    pub(crate) key: String,
    pub(crate) fence: String,
}

// By hand, since the fence is a secret.
impl fmt::Debug for HeldJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldJob").field("key", &self.key).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    queue: JobQueueServiceClient<Authorized>,
    jobs: JobServiceClient<Authorized>,
    outputs: JobOutputServiceClient<Authorized>,
    runners: RunnerServiceClient<Authorized>,
}

type Authorized = InterceptedService<Channel, ApiKey>;

impl Client {
    /// Connects at the first call and reconnects when it must. Fails if the API key can't be sent
    /// in a header.
    pub(crate) fn new(endpoint: Endpoint, api_key: &str) -> Result<Self, String> {
        let value = format!("Bearer {api_key}").parse();
        let mut value: MetadataValue<Ascii> =
            value.map_err(|_| "must be 32 hexadecimal characters".to_owned())?;
        value.set_sensitive(true);
        let channel = endpoint
            .connect_timeout(CALL_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20))
            .connect_lazy();
        let api_key = ApiKey(value);
        let queue = JobQueueServiceClient::with_interceptor(channel.clone(), api_key.clone());
        let jobs = JobServiceClient::with_interceptor(channel.clone(), api_key.clone());
        let outputs = JobOutputServiceClient::with_interceptor(channel.clone(), api_key.clone());
        let runners = RunnerServiceClient::with_interceptor(channel, api_key);
        Ok(Self {
            queue: queue.max_decoding_message_size(MAX_RESPONSE_BYTES),
            jobs: jobs.max_decoding_message_size(MAX_RESPONSE_BYTES),
            outputs,
            runners,
        })
    }

    /// `timeout` must cover the time that the request lets the server wait for a job.
    pub(crate) async fn start_job(
        &self,
        request: StartJobRequest,
        timeout: Duration,
    ) -> Result<StartJobResponse, CallError> {
        let mut request = Request::new(request);
        request.set_timeout(timeout);
        let mut queue = self.queue.clone();
        within(timeout, queue.start_job(request)).await
    }

    /// Extends the lease to `lease` from now. The response says whether to stop the job.
    pub(crate) async fn heartbeat(
        &self,
        held: &HeldJob,
        lease: Duration,
        counters: JobCounters,
    ) -> Result<HeartbeatResponse, CallError> {
        let request = HeartbeatRequest {
            key: held.key.clone(),
            fence: held.fence.clone(),
            lease: i64::try_from(lease.as_millis()).ok().map(duration),
            counters: Some(counters),
        };
        let mut queue = self.queue.clone();
        within(CALL_TIMEOUT, queue.heartbeat(request)).await
    }

    /// Adds the key and the fence to `update`. With a `request_id` that is not empty the call may
    /// be repeated safely.
    pub(crate) async fn update(
        &self,
        held: &HeldJob,
        update: JobUpdate,
        request_id: String,
    ) -> Result<(), CallError> {
        let target = Some(Target::Key(held.key.clone()));
        let update = JobUpdate { target, fence: held.fence.clone(), ..update };
        let request =
            UpdateQueueRequest { updates: vec![update], request_id, ..Default::default() };
        let mut queue = self.queue.clone();
        let response = within(CALL_TIMEOUT, queue.update_queue(request)).await?;
        match response.results.into_iter().next().and_then(|updated| updated.result) {
            Some(updated_job::Result::Error(error)) => {
                Err(CallError::of_code(Code::from_i32(error.code), error.message))
            }
            Some(updated_job::Result::Made(_)) | None => Ok(()),
        }
    }

    /// Stores lines of an output, the first of which has this offset. Without lines nothing is
    /// stored. Returns the offset of the next line.
    pub(crate) async fn append_output(
        &self,
        held: &HeldJob,
        kind: OutputKind,
        start_offset: i64,
        lines: Vec<Bytes>,
    ) -> Result<i64, AppendError> {
        let (key, fence) = (held.key.clone(), held.fence.clone());
        let request = AppendOutputRequest { key, kind: kind.into(), fence, start_offset, lines };
        let mut outputs = self.outputs.clone();
        match timeout(CALL_TIMEOUT, outputs.append_output(request)).await {
            Ok(response) => Ok(response?.into_inner().next_offset),
            Err(_) => Err(AppendError::Unavailable(format!("no response within {CALL_TIMEOUT:?}"))),
        }
    }

    /// How many lines the server has of each output of an attempt; none of those it does not name.
    pub(crate) async fn count_output(
        &self,
        key: &str,
        attempt: i32,
    ) -> Result<Vec<(OutputKind, i64)>, CallError> {
        let request = GetOutputStatsRequest { key: key.to_owned(), attempt: Some(attempt) };
        let mut outputs = self.outputs.clone();
        let stats = within(CALL_TIMEOUT, outputs.get_output_stats(request)).await?;
        Ok(stats.outputs.iter().map(|output| (output.kind(), output.lines)).collect())
    }

    pub(crate) async fn register_runner(
        &self,
        runner: Runner,
        status: RunnerStatus,
    ) -> Result<(), CallError> {
        let request = RegisterRunnerRequest { runner: Some(runner), status: Some(status) };
        let mut runners = self.runners.clone();
        within(CALL_TIMEOUT, runners.register_runner(request)).await.map(|_| ())
    }

    /// [`CallError::LeaseLost`]: it is not registered, or was forgotten.
    pub(crate) async fn report_runner(
        &self,
        id: String,
        status: RunnerStatus,
    ) -> Result<(), CallError> {
        let request = ReportRunnerRequest { id, status: Some(status) };
        let mut runners = self.runners.clone();
        within(CALL_TIMEOUT, runners.report_runner(request)).await.map(|_| ())
    }

    /// The events of one job after `cursor`; an empty cursor means from now on.
    pub(crate) async fn watch(
        &self,
        held: &HeldJob,
        cursor: String,
    ) -> Result<Streaming<WatchJobsResponse>, Status> {
        let request =
            WatchJobsRequest { key: held.key.clone(), cursor, ..WatchJobsRequest::default() };
        let response = self.jobs.clone().watch_jobs(request).await?;
        Ok(response.into_inner())
    }
}

async fn within<T>(
    time: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, CallError> {
    let response = match timeout(time, call).await {
        Ok(response) => response.map(tonic::Response::into_inner).map_err(CallError::from),
        Err(_) => Err(CallError::Unavailable(format!("no response within {time:?}"))),
    };
    terminal::note_server(!matches!(response, Err(CallError::Unavailable(_))));
    response
}

/// Adds the header `authorization` to every call.
#[derive(Clone, Debug)]
pub(crate) struct ApiKey(MetadataValue<Ascii>);

impl Interceptor for ApiKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = self.0.clone();
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_status_says_whether_a_call_may_be_tried_again() {
        let lost = Status::failed_precondition("STALE");
        assert_eq!(CallError::from(lost), CallError::LeaseLost);
        let unavailable = CallError::from(Status::unavailable("x"));
        assert!(matches!(unavailable, CallError::Unavailable(_)));
        let rejected = CallError::from(Status::resource_exhausted("x"));
        assert!(matches!(rejected, CallError::Rejected(_)));
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(1)));
        let later = Status::with_error_details(Code::ResourceExhausted, "x", details);
        assert!(matches!(CallError::from(later), CallError::Unavailable(_)));
        let forbidden = CallError::from(Status::permission_denied("x"));
        assert!(matches!(forbidden, CallError::Forbidden(_)));
    }

    #[tokio::test]
    async fn debug_output_shows_neither_the_api_key_nor_the_fence() {
        let secret = "0123456789abcdef0123456789abcdef";
        let endpoint = Endpoint::from_static("http://127.0.0.1:1");
        let client = Client::new(endpoint, secret).unwrap();
        assert!(!format!("{client:?}").contains(secret));
        let held = HeldJob { project: 1, key: "1/1/1".to_owned(), fence: secret.to_owned() };
        assert!(!format!("{held:?}").contains(secret));
    }
}
