//! Notifications: scripts publish on a project's channel while its `notify` key is set. One
//! connection of the process is subscribed to all channels, and is kept up by a task of its own.
//! After every gap all subscriptions are woken, so that their owners look for themselves.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use redis::{PushInfo, PushKind, RedisResult, aio::MultiplexedConnection};
use spiderq_core::{
    backoff::jittered,
    error::{Error, Result},
    model::ProjectId,
    store::Notifications,
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};

use crate::{
    link::{Connection, within},
    names::ProjectNames,
};

/// How long a project's changes are published after a process last asked for it, ms.
const PUBLISHED_MS: u64 = 60_000;
/// How often a process asks again, and makes sure that the connection lives.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(15);
/// How long after a failure the connection is made again, with jitter.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// The subscriptions of this process, by project.
type Channels = Mutex<HashMap<ProjectId, Channel>>;

/// The subscriptions to a project.
#[derive(Default)]
struct Channel {
    notify: watch::Sender<()>,
    /// Whether changes are received now.
    is_live: watch::Sender<bool>,
}

/// Gives out subscriptions.
pub(crate) struct Hub {
    connection: Connection,
    channels: Arc<Channels>,
    /// Projects to subscribe to; `None` until the task runs.
    wanted: Mutex<Option<mpsc::UnboundedSender<ProjectId>>>,
}

impl Hub {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, channels: Arc::default(), wanted: Mutex::default() }
    }

    /// Notifications from when the project's channel is live.
    pub(crate) async fn subscribe(&self, project: ProjectId) -> Result<Notifications> {
        let (notify, mut is_live) = {
            let mut channels = lock(&self.channels);
            let channel = channels.entry(project).or_default();
            (channel.notify.subscribe(), channel.is_live.subscribe())
        };
        if !*is_live.borrow() {
            self.want(project);
            is_live.wait_for(|is_live| *is_live).await.map_err(Error::unavailable)?;
        }
        Ok(Notifications::new(notify))
    }

    fn want(&self, project: ProjectId) {
        let mut wanted = lock(&self.wanted);
        let has_ended = wanted.as_ref().is_none_or(|wanted| wanted.send(project).is_err());
        if has_ended {
            let (send, projects) = mpsc::unbounded_channel();
            let channels = Arc::downgrade(&self.channels);
            tokio::spawn(keep_subscribed(self.connection.clone(), channels, projects));
            // The task begins with all channels, this one among them.
            *wanted = Some(send);
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hub(…)")
    }
}

/// What the subscribed connection says.
enum Received {
    /// A message on this channel.
    Message(String),
    Disconnected,
}

impl Received {
    fn of(push: PushInfo) -> Option<Self> {
        if push.kind == PushKind::Disconnection {
            return Some(Self::Disconnected);
        }
        if push.kind != PushKind::Message {
            return None;
        }
        let channel = push.data.into_iter().next().map(redis::from_redis_value);
        channel.and_then(Result::ok).map(Self::Message)
    }
}

/// Keeps a connection subscribed, until the hub is gone.
async fn keep_subscribed(
    connection: Connection,
    channels: Weak<Channels>,
    mut wanted: mpsc::UnboundedReceiver<ProjectId>,
) {
    loop {
        let (sender, mut received) = mpsc::unbounded_channel();
        let pushes = move |push: PushInfo| {
            // Without a receiver the connection is being given up.
            let _ = Received::of(push).map(|received| sender.send(received));
            Ok::<_, redis::aio::SendError>(())
        };
        match connection.subscriber(Arc::new(pushes)).await {
            Ok(subscriber) => {
                let subscriber = Subscriber { subscriber, connection: &connection };
                match subscriber.run(&channels, &mut wanted, &mut received).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "lost the subscriptions to changes"),
                }
                wake_all(&channels);
            }
            Err(error) => tracing::debug!(%error, "can't subscribe to changes"),
        }
        if has_ended_within(jittered(RECONNECT_PAUSE), &channels, &mut wanted).await {
            return;
        }
    }
}

/// Waits so long; whether the hub is gone after it. Projects that are wanted meanwhile are known
/// from their channels.
async fn has_ended_within(
    pause: Duration,
    channels: &Weak<Channels>,
    wanted: &mut mpsc::UnboundedReceiver<ProjectId>,
) -> bool {
    let drained = async { while wanted.recv().await.is_some() {} };
    tokio::time::timeout(pause, drained).await.is_ok() || channels.strong_count() == 0
}

/// A connection for subscriptions, and the one for commands.
struct Subscriber<'a> {
    subscriber: MultiplexedConnection,
    connection: &'a Connection,
}

/// Projects by the names of their channels.
type Subscribed = HashMap<String, ProjectId>;

impl Subscriber<'_> {
    /// Passes on what is received until the hub is gone, or the connection is.
    async fn run(
        mut self,
        channels: &Weak<Channels>,
        wanted: &mut mpsc::UnboundedReceiver<ProjectId>,
        received: &mut mpsc::UnboundedReceiver<Received>,
    ) -> RedisResult<()> {
        let mut subscribed = Subscribed::new();
        for project in projects(channels) {
            self.begin(project, channels, &mut subscribed).await?;
        }
        let mut renewal = interval(RENEWAL_INTERVAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.tick().await;
        loop {
            tokio::select! {
                project = wanted.recv() => match project {
                    Some(project) => self.begin(project, channels, &mut subscribed).await?,
                    None => return Ok(()),
                },
                message = received.recv() => match message {
                    Some(Received::Message(channel)) => {
                        if let Some(project) = subscribed.get(&channel) {
                            wake(channels, *project);
                        }
                    }
                    Some(Received::Disconnected) | None => {
                        return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
                    }
                },
                _ = renewal.tick() => {
                    // An answer shows that the connection lives; pushes alone would not.
                    redis::cmd("PING").query_async::<()>(&mut self.subscriber).await?;
                    self.renew(channels, &mut subscribed).await?;
                }
            }
        }
    }

    /// Subscribes to a project, and wakes its subscriptions, which may have missed something. Where
    /// its server is away, the channel is not live, and is tried again when it is wanted again.
    async fn begin(
        &mut self,
        project: ProjectId,
        channels: &Weak<Channels>,
        subscribed: &mut Subscribed,
    ) -> RedisResult<()> {
        if let Entry::Vacant(channel) = subscribed.entry(ProjectNames(project).notify()) {
            self.subscriber.subscribe(channel.key()).await?;
            channel.insert(project);
        }
        if self.ask_for(project).await {
            wake(channels, project);
            set_live(channels, project, true);
        }
        Ok(())
    }

    /// Has the scripts publish for a while; whether they will.
    async fn ask_for(&self, project: ProjectId) -> bool {
        let mut pipe = redis::pipe();
        let key = ProjectNames(project).notify();
        pipe.cmd("SET").arg(key).arg(1).arg("PX").arg(PUBLISHED_MS).ignore();
        let asked = within(self.connection.pipe::<()>(&pipe)).await;
        if let Err(error) = &asked {
            tracing::debug!(%error, %project, "can't ask for notifications");
        }
        asked.is_ok()
    }

    async fn renew(
        &mut self,
        channels: &Weak<Channels>,
        subscribed: &mut Subscribed,
    ) -> RedisResult<()> {
        for project in take_unused(channels) {
            let channel = ProjectNames(project).notify();
            self.subscriber.unsubscribe(&channel).await?;
            subscribed.remove(&channel);
        }
        for project in subscribed.values() {
            if !self.ask_for(*project).await {
                set_live(channels, *project, false);
                // Their owners look for themselves, and subscribe again.
                wake(channels, *project);
            }
        }
        Ok(())
    }
}

fn projects(channels: &Weak<Channels>) -> Vec<ProjectId> {
    let channels = channels.upgrade();
    channels.map_or_else(Vec::new, |channels| lock(&channels).keys().copied().collect())
}

fn wake(channels: &Weak<Channels>, project: ProjectId) {
    if let Some(channels) = channels.upgrade()
        && let Some(channel) = lock(&channels).get(&project)
    {
        channel.notify.send_replace(());
    }
}

fn set_live(channels: &Weak<Channels>, project: ProjectId, is_live: bool) {
    if let Some(channels) = channels.upgrade()
        && let Some(channel) = lock(&channels).get(&project)
    {
        channel.is_live.send_replace(is_live);
    }
}

/// No channel is live any more.
fn wake_all(channels: &Weak<Channels>) {
    if let Some(channels) = channels.upgrade() {
        for channel in lock(&channels).values() {
            channel.is_live.send_replace(false);
            channel.notify.send_replace(());
        }
    }
}

/// Takes out the projects without subscriptions.
fn take_unused(channels: &Weak<Channels>) -> Vec<ProjectId> {
    let Some(channels) = channels.upgrade() else {
        return Vec::new();
    };
    let mut channels = lock(&channels);
    let unused = |channel: &Channel| {
        channel.notify.receiver_count() == 0 && channel.is_live.receiver_count() == 0
    };
    let taken = channels.extract_if(|_, channel| unused(channel));
    taken.map(|(project, _)| project).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
