//! Reports the end of a job to the server, after all of its output, until the server has
//! acknowledged or refused it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use spiderq_proto::v1::{JobCounters, JobState, JobUpdate};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    client::{CallError, HeldJob, RETRY_BACKOFF},
    close_reason::Exit,
    context::Context,
    counters::Counters,
    heartbeat::{Heartbeat, Instruction},
    output_sender::{OutputSender, Sent},
};

/// How long a runner that stops its jobs keeps trying to report the end of one.
const SHUTDOWN_REPORT_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct JobEnd {
    /// `None`: the program never ran.
    pub(crate) exit: Option<Exit>,
    pub(crate) close_reason: String,
    /// Metadata that could not be written when the job began.
    pub(crate) unsent_fields: BTreeMap<String, String>,
    pub(crate) stats: Option<Arc<str>>,
    pub(crate) counters: JobCounters,
    /// The last output, to be logged if the job has failed.
    pub(crate) tail: String,
}

impl JobEnd {
    /// The end of a job whose program never ran.
    pub(crate) fn without_process(close_reason: &str, counters: &Counters) -> Self {
        Self {
            exit: None,
            close_reason: close_reason.to_owned(),
            unsent_fields: BTreeMap::new(),
            stats: None,
            counters: counters.snapshot(),
            tail: String::new(),
        }
    }
}

/// Returns whether the server has acknowledged the end.
pub(crate) async fn finish(context: &Context, held: &HeldJob, end: &JobEnd) -> bool {
    report_in_time(context, held, &updates(end)).await
}

/// Sends what is left of the job's output before its end is told: whoever sees the end finds all of
/// it. `None`: the lease is lost.
pub(crate) async fn send_rest(
    context: &Context,
    sender: Option<OutputSender>,
    heartbeat: &mut Heartbeat,
) -> Option<Sent> {
    let Some(mut sender) = sender else {
        return Some(Sent::All);
    };
    let mut shutdown = context.shutdown.clone();
    let timeout = async {
        shutdown.stopping().await;
        sleep(SHUTDOWN_REPORT_TIMEOUT).await;
    };
    tokio::pin!(timeout);
    loop {
        tokio::select! {
            sent = sender.finish() => return Some(sent),
            instruction = heartbeat.instruction() => match instruction {
                // It has ended already.
                Instruction::Stop => {}
                Instruction::Abandon => return None,
            },
            () = &mut timeout => return Some(Sent::Refused("the runner ends".to_owned())),
        }
    }
}

/// Gives a job back to the queue. Returns whether the server has acknowledged it; else the job goes
/// back when its lease has expired.
pub(crate) async fn give_back(context: &Context, held: &HeldJob) -> bool {
    let update = JobUpdate { state: JobState::Pending.into(), ..JobUpdate::default() };
    report_in_time(context, held, &[update]).await
}

async fn report_in_time(context: &Context, held: &HeldJob, updates: &[JobUpdate]) -> bool {
    let mut shutdown = context.shutdown.clone();
    let timeout = async {
        shutdown.stopping().await;
        sleep(SHUTDOWN_REPORT_TIMEOUT).await;
    };
    tokio::select! {
        acknowledged = report(context, held, updates) => acknowledged,
        () = timeout => {
            tracing::error!(job = held.key, "end not acknowledged, giving up");
            false
        }
    }
}

async fn report(context: &Context, held: &HeldJob, updates: &[JobUpdate]) -> bool {
    let mut backoff = RETRY_BACKOFF;
    for update in updates {
        let request_id = Uuid::now_v7().to_string();
        loop {
            match context.client.update(held, update.clone(), request_id.clone()).await {
                Ok(()) => return true,
                Err(CallError::Unavailable(why)) => {
                    tracing::warn!(job = held.key, why, "finish not acknowledged, retrying");
                    sleep(backoff.pause()).await;
                }
                Err(error) => {
                    tracing::warn!(job = held.key, %error, "finish refused");
                    if !matches!(error, CallError::Rejected(_)) {
                        return false;
                    }
                    break;
                }
            }
        }
    }
    false
}

/// From the most to the least metadata: fields that the server can't store, since the statistics
/// are too large or the job's metadata is full, must not keep the job from ending.
fn updates(end: &JobEnd) -> [JobUpdate; 3] {
    let state_only = JobUpdate {
        state: JobState::Finished.into(),
        counters: Some(end.counters),
        ..JobUpdate::default()
    };
    let close_reason = Some(end.close_reason.clone());
    let with_reason = JobUpdate { close_reason, ..state_only.clone() };
    let mut full = with_reason.clone();
    full.metadata_json.clone_from(&end.unsent_fields);
    if let Some(stats) = &end.stats {
        full.metadata_json.insert("scrapystats".to_owned(), stats.as_ref().to_owned());
    }
    [full, with_reason, state_only]
}
