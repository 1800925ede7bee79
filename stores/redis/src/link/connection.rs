//! The one handle through which operations send commands, whatever the topology is. Never shows the
//! URL.

use std::{future::Future, time::Duration};

use redis::{FromRedisValue, Pipeline, RedisResult, Script, aio::MultiplexedConnection};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout_at};

use spiderq_core::{
    error::{Error, Result},
    model::Millis,
};

use super::{
    cluster::Cluster,
    command::Command,
    packing::pack,
    reconnecting::{Dial as _, Link, Pushes},
    sentinel::Sentinels,
    server::{Access, Server},
    url::{RedisUrl, Topology},
};
use crate::{
    error::{at_start, from_redis},
    names::CONFIG,
    request_ids::unpack_answer,
    scripts,
};

/// How long a start tries to connect: a machine that has just come up is busy.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// How long any call of the store may take.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Pipelines by itself, reconnects by itself, and never sends twice what a server may have
/// taken.
#[derive(Clone, Debug)]
pub(crate) enum Connection {
    /// One server. Fail-over behind its address, if any, is transparent to us.
    Server(Link, Server),
    /// The master of a group that Sentinels watch.
    Sentinel(Link, Sentinels),
    /// Many masters.
    Cluster(Cluster, Access),
}

impl Connection {
    /// Connects. A refusal is an error at once; a server that does not answer is tried again.
    pub(crate) async fn open(url: &RedisUrl) -> Result<Self> {
        let access = Access::new(&url.login, url.tls.as_ref(), url.db)?;
        let to_sentinels = match &url.topology {
            Topology::Sentinel { login, .. } => Access::new(login, url.tls.as_ref(), 0)?,
            Topology::Server(_) | Topology::Cluster(_) => access.clone(),
        };
        let until = Instant::now() + START_TIMEOUT;
        loop {
            let opened = Self::connect(&url.topology, access.clone(), to_sentinels.clone());
            match timeout_at(until, opened).await {
                Ok(Err(error)) if error.is_timeout() => {}
                Ok(opened) => return opened.map_err(at_start),
                Err(late) => return Err(Error::unavailable(late)),
            }
        }
    }

    async fn connect(
        topology: &Topology,
        access: Access,
        to_sentinels: Access,
    ) -> RedisResult<Self> {
        match topology {
            Topology::Server(address) => {
                let address = address.clone();
                let server = Server { access, address };
                let link = Link::open(server.clone()).await?;
                Ok(Self::Server(link, server))
            }
            Topology::Sentinel { sentinels, master, .. } => {
                let sentinels = Sentinels {
                    sentinels: sentinels.clone(),
                    master: master.clone(),
                    to_sentinels,
                    to_servers: access,
                };
                let link = Link::open(sentinels.clone()).await?;
                Ok(Self::Sentinel(link, sentinels))
            }
            Topology::Cluster(seeds) => {
                let cluster = Cluster::open(access.clone(), seeds.clone()).await?;
                Ok(Self::Cluster(cluster, access))
            }
        }
    }

    /// Runs a script with `argument` as one MessagePack map; its answer is MessagePack too.
    pub(crate) async fn run<T: DeserializeOwned>(
        &self,
        script: &Script,
        keys: &[String],
        argument: &impl Serialize,
    ) -> Result<T> {
        let argument = pack(argument)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.evaluate(&Command::script(script, &keys, &[&argument])).await
    }

    /// Runs a script on one key, with plain arguments.
    pub(crate) async fn run_plain<T: DeserializeOwned>(
        &self,
        script: &Script,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<T> {
        self.evaluate(&Command::script(script, &[key], arguments)).await
    }

    async fn evaluate<T: DeserializeOwned>(&self, script: &Command<'_>) -> Result<T> {
        let packed: Vec<u8> = self.send(script).await.map_err(from_redis)?;
        unpack_answer(&packed)
    }

    /// Runs commands in one trip: all about keys of one slot, or about no key and then on any
    /// server. A slot that moves in the middle of it makes it run again, so that its writes must
    /// be idempotent.
    pub(crate) async fn pipe<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T> {
        self.send(&Command::Pipeline(pipe)).await.map_err(from_redis)
    }

    /// Runs commands that only read, of keys of one slot, as one atomic step.
    pub(crate) async fn read<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T> {
        let command = Command::reads(&scripts::READ, pipe)
            .ok_or_else(|| Error::bug("a read of a command without a key"))?;
        self.send(&command).await.map_err(from_redis)
    }

    /// Runs commands about no key on every master; what each answers, by its name.
    pub(crate) async fn pipe_to_each<T: FromRedisValue>(
        &self,
        pipe: &Pipeline,
    ) -> Vec<(String, Result<T>)> {
        let command = Command::Pipeline(pipe);
        let answers = match self {
            Self::Server(link, _) | Self::Sentinel(link, _) => {
                vec![("redis".to_owned(), link.send(&command).await)]
            }
            Self::Cluster(cluster, _) => cluster.send_to_each(&command).await,
        };
        let ours = |(name, answer): (String, RedisResult<T>)| (name, answer.map_err(from_redis));
        answers.into_iter().map(ours).collect()
    }

    /// A link to each master.
    pub(crate) fn masters(&self) -> Vec<Link> {
        match self {
            Self::Server(link, _) | Self::Sentinel(link, _) => vec![link.clone()],
            Self::Cluster(cluster, _) => cluster.masters(),
        }
    }

    /// A connection of its own for subscriptions: to the master, or to any of them.
    pub(crate) async fn subscriber(&self, pushes: Pushes) -> RedisResult<MultiplexedConnection> {
        match self {
            Self::Server(_, server) => server.dial(pushes).await,
            Self::Sentinel(_, sentinels) => sentinels.dial(pushes).await,
            Self::Cluster(cluster, access) => cluster.subscriber(access, pushes).await,
        }
    }

    /// The clock of the server that keeps the installation's own keys.
    pub(crate) async fn clock(&self) -> Result<Millis> {
        let mut pipe = redis::pipe();
        // Leads to that server, also in a Cluster.
        pipe.exists(CONFIG).ignore();
        pipe.cmd("TIME");
        let ((seconds, micros),): ((u64, u64),) = self.pipe(&pipe).await?;
        Ok(Millis(seconds * 1000 + micros / 1000))
    }

    /// On the heap: what is large here, each of the many layers above would move and hold again.
    async fn send<T: FromRedisValue>(&self, command: &Command<'_>) -> RedisResult<T> {
        match self {
            Self::Server(link, _) | Self::Sentinel(link, _) => Box::pin(link.send(command)).await,
            Self::Cluster(cluster, _) => Box::pin(cluster.send(command)).await,
        }
    }
}

/// Ends `call` after [`CALL_TIMEOUT`].
pub(crate) async fn within<T>(call: impl Future<Output = Result<T>> + Send) -> Result<T> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(done) => done,
        Err(late) => Err(Error::unavailable(late)),
    }
}
