//! The connection to Redis: how it is made, how long anything may take, how scripts are run.
//! Operations see [`Connection`] alone, so that other topologies fit in here. Never shows
//! the URL.

use std::{fmt, future::Future, time::Duration};

use redis::{
    Client, FromRedisValue, IntoConnectionInfo as _, Pipeline, ProtocolVersion, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use serde::Serialize;

use super::errors::{bad_reply, from_redis};
use crate::error::{Error, Result};

/// Every call of the store ends within this.
pub(super) const DEADLINE: Duration = Duration::from_secs(3);
/// Every command ends within this.
const RESPONSE: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(1);
/// Reconnecting: first and longest wait, each with jitter.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// One multiplexed connection that pipelines by itself and reconnects.
#[derive(Clone)]
pub(super) struct Connection(ConnectionManager);

impl Connection {
    /// Connects to one server.
    pub(super) async fn open(url: &str) -> Result<Self> {
        let unreadable = |_| Error::invalid("store", "is not a Redis URL");
        let info = url.into_connection_info().map_err(unreadable)?;
        let tcp = TcpSettings::default().set_nodelay(true);
        let resp3 = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let info = info.set_tcp_settings(tcp).set_redis_settings(resp3);
        let client = Client::open(info).map_err(unreadable)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(RESPONSE))
            // For ever, also when the server answers with an error (it loads, is full of clients,
            // changes its password): what is given up is never tried again. Callers end at
            // their deadline.
            .set_number_of_retries(usize::MAX)
            .set_min_delay(BACK_OFF.0)
            .set_max_delay(BACK_OFF.1);
        within(async {
            // Once without retries, so that a wrong address is told at once and by its name.
            client
                .get_multiplexed_async_connection()
                .await
                .map_err(from_redis)?;
            ConnectionManager::new_with_config(client, config)
                .await
                .map(Self)
                .map_err(from_redis)
        })
        .await
    }

    /// Runs a script with `argument` as one MessagePack blob.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        argument: &impl Serialize,
    ) -> Result<T> {
        let argument = rmp_serde::to_vec_named(argument).map_err(Error::bug)?;
        let mut call = script.prepare_invoke();
        call.key(keys).arg(argument);
        call.invoke_async(&mut self.0.clone())
            .await
            .map_err(from_redis)
    }

    /// Runs a script with plain arguments.
    pub(super) async fn run_plain<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        arguments: [&[u8]; 2],
    ) -> Result<T> {
        let mut call = script.prepare_invoke();
        call.key(key).arg(&arguments[..]);
        call.invoke_async(&mut self.0.clone())
            .await
            .map_err(from_redis)
    }

    /// Runs commands in one trip.
    pub(super) async fn pipe<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T> {
        pipe.query_async(&mut self.0.clone())
            .await
            .map_err(from_redis)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection(…)")
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
