//! `StartJob` calls: what a runner asks for, and the retries until the server has answered.

use std::time::Duration;

use spiderq_proto::{
    time::{duration, duration_ms},
    v1::{SpiderRef, StartJobRequest, spider_ref::Spider},
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    client::{CALL_TIMEOUT, CallError, RETRY_BACKOFF},
    context::Context,
    error::RunnerError,
    job::StartedJob,
};

/// Short, since other jobs wait while an abandoned call is repeated.
const REPEAT_TIMEOUT: Duration = Duration::from_millis(250);
/// How often a call that keeps failing is told of.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

impl Context {
    /// A request for a job of `project` for which the server may wait as long as `wait`.
    pub(crate) fn start_request(
        &self,
        project: i64,
        max_units: u32,
        wait: Duration,
    ) -> StartJobRequest {
        let settings = &self.settings;
        let spiders = settings.spiders.iter().cloned().map(Spider::Name);
        let span = |time: Duration| i64::try_from(time.as_millis()).ok().map(duration);
        StartJobRequest {
            project,
            spiders: spiders.map(|name| SpiderRef { spider: Some(name) }).collect(),
            has_tags: settings.tags.clone(),
            lacks_tags: settings.lacks_tags.clone(),
            max_units: i32::try_from(max_units).unwrap_or(i32::MAX),
            lease: span(settings.lease),
            wait: span(wait),
            request_id: Uuid::now_v7().to_string(),
            ..StartJobRequest::default()
        }
    }

    /// `None`: no job became pending in time. A call whose response was lost is repeated with the
    /// same request id, so that the job it started is not lost too.
    pub(crate) async fn start_job(
        &self,
        request: StartJobRequest,
    ) -> Result<Option<StartedJob>, RunnerError> {
        let project = request.project;
        let wait_ms = request.wait.as_ref().map_or(0, duration_ms);
        let timeout = CALL_TIMEOUT + Duration::from_millis(wait_ms.unsigned_abs());
        let mut backoff = RETRY_BACKOFF;
        let mut warned: Option<Instant> = None;
        loop {
            match self.client.start_job(request.clone(), timeout).await {
                Ok(response) => {
                    let started = StartedJob::from_response(response, project);
                    return started
                        .map_err(|why| RunnerError::Failed(format!("project {project}: {why}")));
                }
                Err(CallError::Unavailable(why)) => {
                    if warned.is_none_or(|last| last.elapsed() >= WARN_INTERVAL) {
                        tracing::warn!(project, why, "asking for a job failed, retrying");
                        warned = Some(Instant::now());
                    }
                    sleep(backoff.pause()).await;
                }
                Err(
                    error @ (CallError::LeaseLost
                    | CallError::Rejected(_)
                    | CallError::Forbidden(_)),
                ) => return Err(RunnerError::Failed(format!("project {project}: {error}"))),
            }
        }
    }

    /// The job that an abandoned call may have started, or another one. One short try.
    pub(crate) async fn repeat_start(&self, request: StartJobRequest) -> Option<StartedJob> {
        let project = request.project;
        let response = self.client.start_job(request, REPEAT_TIMEOUT).await.ok()?;
        StartedJob::from_response(response, project).ok()?
    }
}
