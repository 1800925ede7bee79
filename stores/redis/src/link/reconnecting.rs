//! A connection that is kept up by a task of its own: lost or hanging, it is made anew, by one
//! task whatever the number of callers, with a jittered back-off. Callers wait for it, but not
//! long, so that none pile up behind a server that is away.

use std::{fmt, future::Future, mem, sync::Arc, time::Duration};

use redis::{
    FromRedisValue, PushInfo, PushKind, RedisResult,
    aio::{MultiplexedConnection, SendError},
};
use tokio::{sync::watch, time::timeout};

use spiderq_core::backoff::Backoff;

use super::command::Command;
use crate::error::{ends_connection, not_connected};

/// How long a call waits for a connection; with the time that a command may take, less than
/// the deadline of a call.
pub(crate) const CONNECTION_WAIT: Duration = Duration::from_millis(900);
/// Between two tries: first and longest pause, each with jitter.
const RECONNECT_BACKOFF: (Duration, Duration) =
    (Duration::from_millis(20), Duration::from_millis(500));

/// Gets what a connection says by itself: messages, and its end.
pub(crate) type Pushes = Arc<dyn Fn(PushInfo) -> Result<(), SendError> + Send + Sync>;

/// Makes a connection, to a server that it may have to find first.
pub(crate) trait Dial: Send + Sync + 'static {
    /// Ends within seconds. `pushes` goes into the connection.
    fn dial(
        &self,
        pushes: Pushes,
    ) -> impl Future<Output = RedisResult<MultiplexedConnection>> + Send;

    /// What to call it in the log.
    fn name(&self) -> String;
}

/// Reports the end of one connection; later ones have higher numbers and are not affected.
#[derive(Clone)]
pub(crate) struct Lost {
    number: u64,
    highest: watch::Sender<u64>,
}

impl Lost {
    pub(crate) fn report(&self) {
        let raise =
            |highest: &mut u64| self.number > mem::replace(highest, self.number.max(*highest));
        self.highest.send_if_modified(raise);
    }

    /// Reports the connection's end.
    fn pushes(&self) -> Pushes {
        let lost = self.clone();
        Arc::new(move |push| {
            if push.kind == PushKind::Disconnection {
                lost.report();
            }
            Ok(())
        })
    }
}

/// A connection that works as far as is known.
#[derive(Clone)]
pub(crate) struct Live {
    connection: MultiplexedConnection,
    lost: Lost,
}

impl Live {
    /// Sends `command`, once.
    pub(crate) async fn send<T: FromRedisValue>(mut self, command: &Command<'_>) -> RedisResult<T> {
        let done = command.send(&mut self.connection).await;
        self.checked(done)
    }

    /// Sends `command` for a key that is on its way here from another node.
    pub(crate) async fn send_asking<T: FromRedisValue>(
        mut self,
        command: &Command<'_>,
    ) -> RedisResult<T> {
        let done = command.send_asking(&mut self.connection).await;
        self.checked(done)
    }

    fn checked<T>(&self, done: RedisResult<T>) -> RedisResult<T> {
        if done.as_ref().is_err_and(ends_connection) {
            self.lost.report();
        }
        done
    }
}

/// The handle; the task ends with the last of them.
#[derive(Clone)]
pub(crate) struct Link(watch::Receiver<Option<Live>>);

impl Link {
    /// Connects, and keeps the connection up from then on.
    pub(crate) async fn open(dial: impl Dial) -> RedisResult<Self> {
        let (highest, _) = watch::channel(0);
        let lost = Lost { number: 1, highest };
        let first = dial.dial(lost.pushes()).await?;
        let live = Live { connection: first, lost };
        Ok(Self::keep(dial, Some(live)))
    }

    /// Begins to connect.
    pub(crate) fn start(dial: impl Dial) -> Self {
        Self::keep(dial, None)
    }

    fn keep(dial: impl Dial, first: Option<Live>) -> Self {
        let (live, link) = watch::channel(first);
        tokio::spawn(keep_up(dial, live));
        Self(link)
    }

    /// The connection, if there is one now.
    pub(crate) fn now(&self) -> Option<Live> {
        self.0.borrow().clone()
    }

    /// The connection, as soon as there is one.
    pub(crate) async fn wait(&self) -> RedisResult<Live> {
        let mut link = self.0.clone();
        let live = link.wait_for(Option::is_some).await;
        live.ok().and_then(|live| live.clone()).ok_or_else(not_connected)
    }

    /// Sends `command`, once.
    pub(crate) async fn send<T: FromRedisValue>(&self, command: &Command<'_>) -> RedisResult<T> {
        let live = match self.now() {
            Some(live) => live,
            None => timeout(CONNECTION_WAIT, self.wait()).await.map_err(|_| not_connected())??,
        };
        live.send(command).await
    }
}

/// Keeps `live` filled until the last handle is gone.
async fn keep_up(dial: impl Dial, live: watch::Sender<Option<Live>>) {
    let first = live.borrow().as_ref().map(|live| live.lost.clone());
    let mut lost = first.clone();
    let mut backoff = Backoff::new(RECONNECT_BACKOFF.0, RECONNECT_BACKOFF.1);
    let mut next = first.unwrap_or_else(|| Lost { number: 1, highest: watch::channel(0).0 });
    loop {
        if let Some(current) = lost.take() {
            let mut highest = current.highest.subscribe();
            tokio::select! {
                _ = highest.wait_for(|highest| *highest >= current.number) => {}
                () = live.closed() => return,
            }
            tracing::warn!(server = dial.name(), "lost the connection to redis");
            live.send_replace(None);
            backoff.reset();
        }
        // Also before the first try: a server that takes connections and ends them at once
        // must not be asked without a pause.
        if timeout(backoff.pause(), live.closed()).await.is_ok() {
            return;
        }
        next.number += 1;
        match dial.dial(next.pushes()).await {
            Ok(connection) => {
                tracing::info!(server = dial.name(), "connected to redis");
                live.send_replace(Some(Live { connection, lost: next.clone() }));
                lost = Some(next.clone());
            }
            Err(error) => tracing::debug!(server = dial.name(), %error, "can't connect to redis"),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(…)")
    }
}
