//! The end of a job, told to the server until it has heard or does not want to hear.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use spiderq_proto::v1::{JobCounters, JobState, JobUpdate};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    context::Context,
    counts::Counts,
    outcome::Exit,
    pause::Pause,
    phase::Phase,
    queue::{Held, Refusal},
};

/// How long a runner that was told to stop its jobs tries to tell of one.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// What became of a job.
#[derive(Debug)]
pub(crate) struct End {
    /// How its process ended, if it had one.
    pub(crate) exit: Option<Exit>,
    pub(crate) close_reason: String,
    /// Metadata that the server has not heard yet.
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) stats: Option<Arc<str>>,
    pub(crate) counters: JobCounters,
}

impl End {
    /// Of a job whose program never ran.
    pub(crate) fn early(close_reason: &str, counts: &Counts) -> Self {
        Self {
            exit: None,
            close_reason: close_reason.to_owned(),
            fields: BTreeMap::new(),
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
    let mut pause = Pause::default();
    let mut request_id = Uuid::now_v7().to_string();
    let mut much = Much::All;
    loop {
        let update = update(held, end, much);
        let done = context.queue.update(held.project, update, request_id.clone());
        match done.await {
            Ok(()) => return true,
            Err(Refusal::Away(why)) => {
                tracing::warn!(job = held.key, why, "its end is not heard yet");
                pause.wait().await;
            }
            // What the server can't keep must not keep the job from ending.
            Err(refusal) => {
                let less = much.less().filter(|_| matches!(refusal, Refusal::Never(_)));
                let Some(less) = less else {
                    tracing::warn!(job = held.key, %refusal, "its end is refused");
                    return false;
                };
                tracing::warn!(job = held.key, %refusal, "it ends with less said of it");
                much = less;
                request_id = Uuid::now_v7().to_string();
            }
        }
    }
}

/// How much is said of a job at its end. Statistics may be more than metadata may hold, and
/// metadata may be full.
#[derive(Clone, Copy, Debug)]
enum Much {
    All,
    CloseReason,
    Nothing,
}

impl Much {
    const fn less(self) -> Option<Self> {
        match self {
            Self::All => Some(Self::CloseReason),
            Self::CloseReason => Some(Self::Nothing),
            Self::Nothing => None,
        }
    }
}

fn update(held: &Held, end: &End, much: Much) -> JobUpdate {
    let mut update = JobUpdate {
        state: JobState::Finished.into(),
        counters: Some(end.counters),
        ..held.update()
    };
    match much {
        Much::Nothing => {}
        Much::CloseReason => update.close_reason = Some(end.close_reason.clone()),
        Much::All => {
            update.close_reason = Some(end.close_reason.clone());
            update.metadata.clone_from(&end.fields);
            if let Some(stats) = &end.stats {
                let name = "scrapystats".to_owned();
                update.metadata.insert(name, stats.as_ref().to_owned());
            }
        }
    }
    update
}
