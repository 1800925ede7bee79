//! A job's link to the server while it runs: heartbeats and statistics go out, and whether
//! to stop or that the job is lost comes in. A task of its own, so that a slow server never
//! keeps a spider from writing.

use std::{sync::Arc, time::Duration};

use spiderq_proto::v1::{JobState, WatchJobsResponse};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use tonic::{Code, Status};

use crate::{
    counts::Counts,
    pause::Pause,
    queue::{Held, Queue, Refusal},
};

/// What the server says of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Somebody wants it to stop.
    Stop,
    /// It is no longer ours.
    Lost,
}

/// The link. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Pulse {
    told: mpsc::Receiver<Told>,
    stats: watch::Sender<Option<Arc<str>>>,
    task: JoinHandle<()>,
}

impl Pulse {
    /// Beats three times in each `lease`.
    pub(crate) fn start(queue: Queue, held: Held, lease: Duration, counts: Arc<Counts>) -> Self {
        let (sender, told) = mpsc::channel(4);
        let (stats, news) = watch::channel(None);
        let link = Link { queue, held, lease, counts, told: sender, event: Notify::new() };
        let task = tokio::spawn(async move {
            tokio::select! {
                () = link.beat(news) => {}
                () = link.watch() => {}
            }
        });
        Self { told, stats, task }
    }

    /// What the server said last. Nothing more comes after [`Told::Lost`].
    pub(crate) async fn told(&mut self) -> Told {
        // The task ends only after it has said so.
        self.told.recv().await.unwrap_or(Told::Lost)
    }

    /// Sends statistics, the latest when they come faster than the server takes them.
    pub(crate) fn send_stats(&self, stats: Arc<str>) {
        self.stats.send_replace(Some(stats));
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Link {
    queue: Queue,
    held: Held,
    lease: Duration,
    counts: Arc<Counts>,
    told: mpsc::Sender<Told>,
    event: Notify,
}

impl Link {
    /// To the loss of the job.
    async fn beat(&self, mut stats: watch::Receiver<Option<Arc<str>>>) {
        let mut beats = interval(self.lease / 3);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut stopping, mut quiet) = (false, false);
        loop {
            let done = tokio::select! {
                _ = beats.tick() => self.heartbeat(&mut stopping).await,
                () = self.event.notified() => self.heartbeat(&mut stopping).await,
                Ok(()) = stats.changed() => {
                    let latest = stats.borrow_and_update().clone();
                    self.write(latest).await
                }
            };
            match done {
                Ok(()) => quiet = false,
                Err(Refusal::Lost) => {
                    let _ = self.told.send(Told::Lost).await;
                    return;
                }
                // Said once: the job runs on, and all that it writes is fenced.
                Err(refusal) if !quiet => {
                    quiet = true;
                    tracing::warn!(job = self.held.key, %refusal, "no heartbeat");
                }
                Err(_) => {}
            }
        }
    }

    async fn heartbeat(&self, stopping: &mut bool) -> Result<(), Refusal> {
        let counters = self.counts.read();
        let answer = self.queue.heartbeat(&self.held, self.lease, counters);
        if answer.await?.stop_requested && !*stopping {
            *stopping = true;
            let _ = self.told.send(Told::Stop).await;
        }
        Ok(())
    }

    async fn write(&self, stats: Option<Arc<str>>) -> Result<(), Refusal> {
        let Some(stats) = stats else {
            return Ok(());
        };
        let mut update = self.held.update();
        update.counters = Some(self.counts.read());
        let name = "scrapystats".to_owned();
        update.metadata.insert(name, stats.as_ref().to_owned());
        self.queue.update(self.held.project, update, String::new()).await
    }

    /// Turns each event that is news to the job's holder into a heartbeat at once: that says
    /// what it means.
    async fn watch(&self) {
        let (mut cursor, mut pause) = (String::new(), Pause::default());
        loop {
            match self.events(&mut cursor, &mut pause).await {
                // Without events the heartbeats do, a little later.
                Err(status) if status.code() == Code::Unimplemented => {
                    std::future::pending::<()>().await;
                }
                // Those after the cursor are not kept any more.
                Err(status) if status.code() == Code::OutOfRange => cursor.clear(),
                Ok(()) | Err(_) => {}
            }
            pause.wait().await;
            self.event.notify_one();
        }
    }

    async fn events(&self, cursor: &mut String, pause: &mut Pause) -> Result<(), Status> {
        let mut events = self.queue.watch(&self.held, cursor.clone()).await?;
        while let Some(event) = events.message().await? {
            let news = event.stop_requested || event.job.is_some() && !is_running(&event);
            *cursor = event.cursor;
            *pause = Pause::default();
            if news {
                self.event.notify_one();
            }
        }
        Ok(())
    }
}

fn is_running(event: &WatchJobsResponse) -> bool {
    event.state() == JobState::Running
}
