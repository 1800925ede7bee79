//! Notifications: what changes is published on a project's channel while its key is set, of jobs by
//! scripts (`notify`), of their output by whoever appends it (`notify_output`). For each of the two,
//! one connection of the process is subscribed to all channels, and is kept up by a task of its own.
//! After every gap all subscriptions are woken, once and when their channel is received again, so
//! that their owners look for themselves.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use redis::{PushInfo, PushKind, RedisResult, aio::MultiplexedConnection};
use spiderq_core::{
    backoff::jittered,
    error::{Error, Result},
    model::ProjectId,
    store::Notifications,
};
use tokio::{
    sync::{Semaphore, mpsc, watch},
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
/// Projects whose notifications are asked for at a time: those of a master that is away must not
/// hold up all others.
const CONCURRENT_ASKS: usize = 64;

/// The subscriptions of this process, by project.
type Channels = Mutex<HashMap<ProjectId, Channel>>;

/// The subscriptions to a project.
#[derive(Default)]
struct Channel {
    notify: watch::Sender<()>,
    /// Whether changes are received now.
    is_live: watch::Sender<bool>,
    /// Whether it is being made live: one wish serves all who subscribe meanwhile.
    is_wanted: bool,
}

/// The name of a project's key, and of its channel.
type ChannelName = fn(ProjectNames) -> String;

/// Gives out subscriptions.
pub(crate) struct Hub {
    connection: Connection,
    name: ChannelName,
    channels: Arc<Channels>,
    /// Projects to subscribe to; `None` until the task runs.
    wanted: Mutex<Option<mpsc::UnboundedSender<ProjectId>>>,
}

impl Hub {
    pub(crate) fn new(connection: Connection, name: ChannelName) -> Self {
        Self { connection, name, channels: Arc::default(), wanted: Mutex::default() }
    }

    /// Publishes on a project's channel, if any process wants to hear of it.
    pub(crate) async fn notify(&self, project: ProjectId) -> Result<()> {
        let channel = (self.name)(ProjectNames(project));
        let mut asked = redis::pipe();
        asked.cmd("EXISTS").arg(&channel);
        let (is_wanted,): (bool,) = self.connection.pipe(&asked).await?;
        if is_wanted {
            let mut publish = redis::pipe();
            publish.cmd("PUBLISH").arg(&channel).arg("").ignore();
            self.connection.pipe::<()>(&publish).await?;
        }
        Ok(())
    }

    /// Notifications from when the project's channel is live.
    pub(crate) async fn subscribe(&self, project: ProjectId) -> Result<Notifications> {
        let (notify, mut is_live, is_first) = {
            let mut channels = lock(&self.channels);
            let channel = channels.entry(project).or_default();
            let is_first =
                !*channel.is_live.borrow() && !mem::replace(&mut channel.is_wanted, true);
            (channel.notify.subscribe(), channel.is_live.subscribe(), is_first)
        };
        if is_first {
            self.want(project);
        }
        is_live.wait_for(|is_live| *is_live).await.map_err(Error::unavailable)?;
        Ok(Notifications::new(notify))
    }

    fn want(&self, project: ProjectId) {
        let mut wanted = lock(&self.wanted);
        let has_ended = wanted.as_ref().is_none_or(|wanted| wanted.send(project).is_err());
        if has_ended {
            let (send, projects) = mpsc::unbounded_channel();
            let channels = Arc::downgrade(&self.channels);
            tokio::spawn(keep_subscribed(self.connection.clone(), self.name, channels, projects));
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
    name: ChannelName,
    channels: Weak<Channels>,
    mut wanted: mpsc::UnboundedReceiver<ProjectId>,
) {
    // Whether the owners of subscriptions wait for the end of a gap that they have not heard of.
    let mut in_new_gap = false;
    loop {
        let (sender, mut received) = mpsc::unbounded_channel();
        let pushes = move |push: PushInfo| {
            // Without a receiver the connection is being given up.
            let _ = Received::of(push).map(|received| sender.send(received));
            Ok::<_, redis::aio::SendError>(())
        };
        match connection.subscriber(Arc::new(pushes)).await {
            Ok(subscriber) => {
                let subscriber = Subscriber::new(subscriber, &connection, name);
                match subscriber.run(&channels, &mut wanted, &mut received).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "lost the subscriptions to changes"),
                }
                in_new_gap = true;
                lose_all(&channels);
            }
            Err(error) => {
                tracing::debug!(%error, "can't subscribe to changes");
                // It lasts: they may find that the store is away.
                if mem::take(&mut in_new_gap) {
                    wake_all(&channels);
                }
            }
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

/// A project, and whether its changes are published for a while.
type Asked = (ProjectId, bool);

/// A connection for subscriptions, and the one for commands.
struct Subscriber<'a> {
    subscriber: MultiplexedConnection,
    connection: &'a Connection,
    name: ChannelName,
    /// Subscribed channels by their names.
    subscribed: HashMap<String, ProjectId>,
    /// Commands under way that have changes published.
    asks: FuturesUnordered<BoxFuture<'a, Asked>>,
    turns: Arc<Semaphore>,
}

impl<'a> Subscriber<'a> {
    fn new(
        subscriber: MultiplexedConnection,
        connection: &'a Connection,
        name: ChannelName,
    ) -> Self {
        let (subscribed, asks) = (HashMap::new(), FuturesUnordered::new());
        let turns = Arc::new(Semaphore::new(CONCURRENT_ASKS));
        Self { subscriber, connection, name, subscribed, asks, turns }
    }

    /// Passes on what is received until the hub is gone, or the connection is.
    async fn run(
        mut self,
        channels: &Weak<Channels>,
        wanted: &mut mpsc::UnboundedReceiver<ProjectId>,
        received: &mut mpsc::UnboundedReceiver<Received>,
    ) -> RedisResult<()> {
        for project in projects(channels) {
            self.begin(project).await?;
        }
        let mut renewal = interval(RENEWAL_INTERVAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.tick().await;
        loop {
            tokio::select! {
                project = wanted.recv() => match project {
                    Some(project) => self.begin(project).await?,
                    None => return Ok(()),
                },
                Some((project, is_published)) = self.asks.next() => {
                    asked(channels, project, is_published);
                }
                message = received.recv() => match message {
                    Some(Received::Message(channel)) => {
                        if let Some(project) = self.subscribed.get(&channel) {
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
                    self.renew(channels).await?;
                }
            }
        }
    }

    /// Subscribes to a project, and has its changes published. Where its server is away, the
    /// channel does not become live, and is tried again when it is wanted again.
    async fn begin(&mut self, project: ProjectId) -> RedisResult<()> {
        if let Entry::Vacant(channel) = self.subscribed.entry((self.name)(ProjectNames(project))) {
            self.subscriber.subscribe(channel.key()).await?;
            channel.insert(project);
        }
        self.ask_for(project);
        Ok(())
    }

    fn ask_for(&self, project: ProjectId) {
        let (connection, turns) = (self.connection, Arc::clone(&self.turns));
        let key = (self.name)(ProjectNames(project));
        let ask = async move {
            let _turn = turns.acquire().await;
            let is_published = publish(connection, project, key).await;
            (project, is_published)
        };
        self.asks.push(ask.boxed());
    }

    async fn renew(&mut self, channels: &Weak<Channels>) -> RedisResult<()> {
        for project in take_unused(channels) {
            let channel = (self.name)(ProjectNames(project));
            self.subscriber.unsubscribe(&channel).await?;
            self.subscribed.remove(&channel);
        }
        for project in self.subscribed.values() {
            self.ask_for(*project);
        }
        Ok(())
    }
}

/// Has the scripts publish a project's changes for a while; whether they will.
async fn publish(connection: &Connection, project: ProjectId, key: String) -> bool {
    let mut pipe = redis::pipe();
    pipe.cmd("SET").arg(key).arg(1).arg("PX").arg(PUBLISHED_MS).ignore();
    let asked = within(connection.pipe::<()>(&pipe)).await;
    if let Err(error) = &asked {
        tracing::debug!(%error, %project, "can't ask for notifications");
    }
    asked.is_ok()
}

/// A channel that becomes live, or is no more, wakes those who subscribed to it before: they may
/// have missed something, or must subscribe again. One that stays live wakes nobody.
fn asked(channels: &Weak<Channels>, project: ProjectId, is_published: bool) {
    let Some(channels) = channels.upgrade() else { return };
    let mut channels = lock(&channels);
    let Some(channel) = channels.get_mut(&project) else { return };
    channel.is_wanted = false;
    if *channel.is_live.borrow() != is_published {
        // Whoever waits for it to be live begins after this.
        channel.notify.send_replace(());
        channel.is_live.send_replace(is_published);
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

fn wake_all(channels: &Weak<Channels>) {
    if let Some(channels) = channels.upgrade() {
        for channel in lock(&channels).values() {
            channel.notify.send_replace(());
        }
    }
}

/// No channel is live any more.
fn lose_all(channels: &Weak<Channels>) {
    if let Some(channels) = channels.upgrade() {
        for channel in lock(&channels).values_mut() {
            channel.is_wanted = false;
            channel.is_live.send_replace(false);
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
