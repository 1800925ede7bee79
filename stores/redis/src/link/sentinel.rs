//! Finding the master through Sentinels: all are asked at once, and the server that they name must
//! confirm that it is the master, since a Sentinel may know less than the others.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream::FuturesUnordered};
use redis::{ErrorKind, RedisError, RedisResult, Value, aio::MultiplexedConnection};

use super::{
    reconnecting::{Dial, Pushes},
    server::Access,
    slots,
    url::Address,
};

/// Finds the master of a name, whichever server that is.
#[derive(Clone, Debug)]
pub(crate) struct Sentinels {
    pub(crate) sentinels: Vec<Address>,
    pub(crate) master: String,
    pub(crate) to_sentinels: Access,
    pub(crate) to_servers: Access,
}

impl Dial for Sentinels {
    async fn dial(&self, pushes: Pushes) -> RedisResult<MultiplexedConnection> {
        let asked = self.sentinels.iter().map(|sentinel| self.ask(sentinel));
        let mut asked: FuturesUnordered<_> = asked.collect();
        let mut tried = BTreeSet::new();
        let mut last = RedisError::from((ErrorKind::Io, "no Sentinel answers"));
        while let Some(named) = asked.next().await {
            let address = match named {
                Ok(address) => address,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            if !tried.insert(address.clone()) {
                continue;
            }
            match self.confirm(&address).await {
                Ok(()) => return self.to_servers.connect(&address, Some(pushes)).await,
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn name(&self) -> String {
        format!("master {}", self.master)
    }
}

impl Sentinels {
    async fn ask(&self, sentinel: &Address) -> RedisResult<Address> {
        let mut connection = self.to_sentinels.connect(sentinel, None).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let answer: Option<(String, u16)> = question.query_async(&mut connection).await?;
        let unknown = || {
            let kind = ErrorKind::MasterNameNotFoundBySentinel;
            RedisError::from((kind, "Sentinel does not know the master", self.master.clone()))
        };
        let (host, port) = answer.ok_or_else(unknown)?;
        Ok(slots::address(&host, port, sentinel))
    }

    async fn confirm(&self, address: &Address) -> RedisResult<()> {
        let mut connection = self.to_servers.connect(address, None).await?;
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
        let nothing = || RedisError::from((ErrorKind::UnexpectedReturnType, "an empty role"));
        let role = role.into_iter().next().ok_or_else(nothing)?;
        if redis::from_redis_value::<String>(role)? == "master" {
            return Ok(());
        }
        let what = "Sentinel names a server that is not a master yet";
        Err(RedisError::from((ErrorKind::Io, what, address.to_string())))
    }
}
