//! A job's link to the server while it runs: sends heartbeats and statistics, and learns whether to
//! stop or abandon the job. A task of its own, so that a slow server never keeps a spider from
//! writing to its pipe.

use std::{sync::Arc, time::Duration};

use spiderq_core::Backoff;
use spiderq_proto::v1::{JobState, JobUpdate, watch_jobs_response::Event};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};
use tonic::{Code, Status};

use crate::{
    client::{CallError, Client, HeldJob, RETRY_BACKOFF},
    counters::Counters,
};

/// What the server wants to happen to the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    /// Somebody asked to stop the job.
    Stop,
    /// The lease is lost: kill the process and write nothing more.
    Abandon,
}

/// The runner's end of the link. Dropping it ends the heartbeats.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    instructions: mpsc::Receiver<Instruction>,
    stats: watch::Sender<Option<Arc<str>>>,
    task: JoinHandle<()>,
}

impl Heartbeat {
    /// Sends three heartbeats in each `lease`.
    pub(crate) fn start(
        client: Client,
        held: HeldJob,
        lease: Duration,
        counters: Arc<Counters>,
    ) -> Self {
        let (sender, instructions) = mpsc::channel(4);
        let (stats, stats_changes) = watch::channel(None);
        let link =
            Link { client, held, lease, counters, instructions: sender, event: Notify::new() };
        let task = tokio::spawn(async move {
            tokio::select! {
                () = link.send_heartbeats(stats_changes) => {}
                () = link.watch_events() => {}
            }
        });
        Self { instructions, stats, task }
    }

    /// Waits for the next instruction. Nothing follows [`Instruction::Abandon`].
    pub(crate) async fn instruction(&mut self) -> Instruction {
        // The task ends by itself only after it has sent Abandon.
        self.instructions.recv().await.unwrap_or(Instruction::Abandon)
    }

    /// Replaces statistics that wait to be sent, so that a slow server gets the latest only.
    pub(crate) fn send_stats(&self, stats: Arc<str>) {
        self.stats.send_replace(Some(stats));
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Link {
    client: Client,
    held: HeldJob,
    lease: Duration,
    counters: Arc<Counters>,
    instructions: mpsc::Sender<Instruction>,
    /// An event calls for a heartbeat at once.
    event: Notify,
}

impl Link {
    /// Returns when the lease is lost.
    async fn send_heartbeats(&self, mut stats: watch::Receiver<Option<Arc<str>>>) {
        let mut ticks = interval(self.lease / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut stop_sent, mut failing) = (false, false);
        loop {
            let sent = tokio::select! {
                _ = ticks.tick() => self.heartbeat(&mut stop_sent).await,
                () = self.event.notified() => self.heartbeat(&mut stop_sent).await,
                Ok(()) = stats.changed() => {
                    let latest = stats.borrow_and_update().clone();
                    self.write_stats(latest).await
                }
            };
            match sent {
                Ok(()) => failing = false,
                Err(CallError::LeaseLost) => {
                    let _ = self.instructions.send(Instruction::Abandon).await;
                    return;
                }
                // Logged once: the job runs on, since all its writes are fenced.
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(job = self.held.key, %error, "heartbeat failed, retrying");
                }
                Err(_) => {}
            }
        }
    }

    async fn heartbeat(&self, stop_sent: &mut bool) -> Result<(), CallError> {
        let counters = self.counters.snapshot();
        let response = self.client.heartbeat(&self.held, self.lease, counters);
        if response.await?.stop_requested && !*stop_sent {
            *stop_sent = true;
            let _ = self.instructions.send(Instruction::Stop).await;
        }
        Ok(())
    }

    async fn write_stats(&self, stats: Option<Arc<str>>) -> Result<(), CallError> {
        let Some(stats) = stats else {
            return Ok(());
        };
        let update = JobUpdate {
            counters: Some(self.counters.snapshot()),
            metadata_json: [("scrapystats".to_owned(), stats.as_ref().to_owned())].into(),
            ..JobUpdate::default()
        };
        self.client.update(&self.held, update, String::new()).await
    }

    /// Turns each event that may concern the holder of the lease into a heartbeat, whose response
    /// alone says what the event means for this attempt (docs/decisions/009-runner.md).
    async fn watch_events(&self) {
        let (mut cursor, mut backoff) = (String::new(), RETRY_BACKOFF);
        loop {
            match self.read_events(&mut cursor, &mut backoff).await {
                // Without events the regular heartbeats learn the same, a little later.
                Err(status) if status.code() == Code::Unimplemented => {
                    std::future::pending::<()>().await;
                }
                // The events after the cursor are not kept any more.
                Err(status) if status.code() == Code::OutOfRange => cursor.clear(),
                Ok(()) | Err(_) => {}
            }
            sleep(backoff.pause()).await;
            self.event.notify_one();
        }
    }

    async fn read_events(&self, cursor: &mut String, backoff: &mut Backoff) -> Result<(), Status> {
        let mut events = self.client.watch(&self.held, cursor.clone()).await?;
        while let Some(event) = events.message().await? {
            *cursor = event.cursor;
            backoff.reset();
            if event.event.is_some_and(|event| concerns_holder(&event)) {
                self.event.notify_one();
            }
        }
        Ok(())
    }
}

/// Whether the holder of the lease may have to stop or abandon the job.
fn concerns_holder(event: &Event) -> bool {
    match event {
        Event::Created(created) => created.state() != JobState::Running,
        Event::StateChanged(changed) => changed.state() != JobState::Running,
        Event::StopRequested(_) | Event::Restored(_) | Event::Purged(_) => true,
        Event::CursorMoved(_) | Event::Progress(_) => false,
    }
}
