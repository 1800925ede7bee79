//! The way to Redis: one server, the master that Sentinels name, or a Cluster. Operations see
//! [`Connection`] alone, and how long anything may take. Never shows the URL.

use std::{future::Future, time::Duration};

use redis::{FromRedisValue, Pipeline, RedisResult, Script, aio::MultiplexedConnection};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::{
    cluster::Cluster,
    errors::{at_start, bad_reply, from_redis},
    keys::CONFIG,
    link::{Dial as _, Link, Pushes},
    request::Request,
    sentinel::Sentinels,
    server::{Access, Server},
    url::{RedisUrl, Topology},
};
use spiderq_core::{
    error::{Error, Result},
    model::Millis,
};

/// How long a start tries to connect: a machine that has just come up is busy.
const START: Duration = Duration::from_secs(10);
/// Every call of the store ends within this.
pub(super) const DEADLINE: Duration = Duration::from_secs(3);

/// Pipelines by itself, comes back by itself, and sends nothing twice that may have been
/// taken.
#[derive(Clone, Debug)]
pub(super) enum Connection {
    /// One server, whose fail-over, if any, is nothing that we see.
    Server(Link, Server),
    /// The master of a group that Sentinels watch.
    Sentinel(Link, Sentinels),
    /// Many masters.
    Cluster(Cluster, Access),
}

impl Connection {
    /// Connects. Who is refused is told at once; who is not answered is tried again.
    pub(super) async fn open(url: &RedisUrl) -> Result<Self> {
        let access = Access::new(&url.login, url.tls.as_ref(), url.db)?;
        let to_sentinels = match &url.topology {
            Topology::Sentinel { login, .. } => Access::new(login, url.tls.as_ref(), 0)?,
            Topology::Server(_) | Topology::Cluster(_) => access.clone(),
        };
        let until = Instant::now() + START;
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

    /// Runs a script with `argument` as one MessagePack blob.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        argument: &impl Serialize,
    ) -> Result<T> {
        let argument = rmp_serde::to_vec_named(argument).map_err(Error::bug)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let request = Request::script(script, &keys, &[&argument]);
        self.send(&request).await.map_err(from_redis)
    }

    /// Runs a script with plain arguments.
    pub(super) async fn run_plain<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        arguments: [&[u8]; 2],
    ) -> Result<T> {
        let request = Request::script(script, &[key], &arguments);
        self.send(&request).await.map_err(from_redis)
    }

    /// Runs commands in one trip: all about keys of one slot, or about no key and then on any
    /// server. A slot that moves in the middle of it makes it run again: writes in it must
    /// bear that.
    pub(super) async fn pipe<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T> {
        let request = Request::Pipe(pipe);
        self.send(&request).await.map_err(from_redis)
    }

    /// Runs commands about no key on every master; what each answers, by its name.
    pub(super) async fn pipe_to_each<T: FromRedisValue>(
        &self,
        pipe: &Pipeline,
    ) -> Vec<(String, Result<T>)> {
        let request = Request::Pipe(pipe);
        let answers = match self {
            Self::Server(link, _) | Self::Sentinel(link, _) => {
                vec![("redis".to_owned(), link.send(&request).await)]
            }
            Self::Cluster(cluster, _) => cluster.send_to_each(&request).await,
        };
        let ours = |(name, answer): (String, RedisResult<T>)| (name, answer.map_err(from_redis));
        answers.into_iter().map(ours).collect()
    }

    /// A link to each master.
    pub(super) fn masters(&self) -> Vec<Link> {
        match self {
            Self::Server(link, _) | Self::Sentinel(link, _) => vec![link.clone()],
            Self::Cluster(cluster, _) => cluster.masters(),
        }
    }

    /// A connection of its own, for listening: to the master, or any of them.
    pub(super) async fn listen(&self, pushes: Pushes) -> RedisResult<MultiplexedConnection> {
        match self {
            Self::Server(_, server) => server.dial(pushes).await,
            Self::Sentinel(_, sentinels) => sentinels.dial(pushes).await,
            Self::Cluster(cluster, access) => cluster.listen(access, pushes).await,
        }
    }

    /// The clock of the server that keeps the installation's own keys.
    pub(super) async fn clock(&self) -> Result<Millis> {
        let mut pipe = redis::pipe();
        // Leads to that server, also in a Cluster.
        pipe.exists(CONFIG).ignore();
        pipe.cmd("TIME");
        let ((seconds, micros),): ((u64, u64),) = self.pipe(&pipe).await?;
        Ok(Millis(seconds * 1000 + micros / 1000))
    }

    async fn send<T: FromRedisValue>(&self, request: &Request<'_>) -> RedisResult<T> {
        match self {
            Self::Server(link, _) | Self::Sentinel(link, _) => link.send(request).await,
            Self::Cluster(cluster, _) => cluster.send(request).await,
        }
    }
}

/// Ends `call` at the deadline.
pub(super) async fn within<T>(call: impl Future<Output = Result<T>> + Send) -> Result<T> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(done) => done,
        Err(late) => Err(Error::unavailable(late)),
    }
}

/// A script's packed answer.
pub(super) fn unpack<T: serde::de::DeserializeOwned>(packed: &[u8]) -> Result<T> {
    rmp_serde::from_slice(packed).map_err(bad_reply)
}
