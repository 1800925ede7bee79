//! The end of a job, told to the server until it has heard or does not want to hear.

use std::{sync::Arc, time::Duration};

use spiderq_proto::v1::JobCounters;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    counts::Counts,
    job::Context,
    outcome::Exit,
    pause::Pause,
    phase::Phase,
    queue::{Held, Refusal, finishing},
};

/// How long a runner that was told to stop its jobs tries to tell of one.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// What became of a job.
#[derive(Debug)]
pub(crate) struct End {
    /// How its process ended, if it had one.
    pub(crate) exit: Option<Exit>,
    pub(crate) close_reason: String,
    pub(crate) stats: Option<Arc<str>>,
    pub(crate) counters: JobCounters,
}

impl End {
    /// Of a job whose program never ran.
    pub(crate) fn early(close_reason: &str, counts: &Counts) -> Self {
        Self {
            exit: None,
            close_reason: close_reason.to_owned(),
            stats: None,
            counters: counts.read(),
        }
    }
}

/// Finishes the job on the server; whether it heard.
pub(crate) async fn finish(context: &Context, held: &Held, end: &End) -> bool {
    let mut phase = context.phase.clone();
    let leaving = async {
        // An error means that the runner ends: then this is dropped with it.
        let _ = phase.wait_for(|phase| *phase == Phase::Stopping).await;
        timeout(LAST_WORDS, std::future::pending::<()>()).await
    };
    tokio::select! {
        heard = insist(context, held, end) => heard,
        _ = leaving => {
            tracing::error!(job = held.key, "its end is not told: the server is away");
            false
        }
    }
}

async fn insist(context: &Context, held: &Held, end: &End) -> bool {
    let mut stats = end.stats.as_deref();
    let mut pause = Pause::default();
    let mut request_id = Uuid::now_v7().to_string();
    loop {
        let mut update = finishing(held, &end.close_reason, end.counters);
        if let Some(stats) = stats {
            let name = "scrapystats".to_owned();
            update.metadata.insert(name, stats.to_owned());
        }
        let done = context
            .queue
            .update(held.project, update, request_id.clone());
        match done.await {
            Ok(()) => return true,
            Err(Refusal::Away(why)) => {
                tracing::warn!(job = held.key, why, "its end is not heard yet");
                pause.wait().await;
            }
            // Statistics that a server can't keep must not keep the job from ending.
            Err(Refusal::Never(why)) if stats.is_some() => {
                tracing::warn!(job = held.key, why, "it ends without its statistics");
                stats = None;
                request_id = Uuid::now_v7().to_string();
            }
            Err(refusal) => {
                tracing::warn!(job = held.key, %refusal, "its end is refused");
                return false;
            }
        }
    }
}
