//! Walks over all keys, and over large sets and hashes, in short steps: what is there all the
//! time comes at least once.

use redis::Value;

use super::super::{connection::Connection, errors::from_redis};
use super::super::{connection::within, link::Link, request::Request};
use spiderq_core::error::Result;

/// How much Redis looks at in one step.
const STEP: usize = 500;

/// All keys that begin as ours do, of every master.
pub(super) struct Keyspace {
    pattern: String,
    masters: Vec<Link>,
    cursor: String,
}

impl Keyspace {
    pub(super) fn new(connection: &Connection, pattern: String) -> Self {
        Self { pattern, masters: connection.masters(), cursor: "0".to_owned() }
    }

    /// Some keys with their types; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<(String, String)>>> {
        let Some(master) = self.masters.last() else {
            return Ok(None);
        };
        let mut pipe = redis::pipe();
        pipe.cmd("SCAN").arg(&self.cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(STEP);
        let ((cursor, keys),): ((String, Vec<Vec<u8>>),) = send(master, &pipe).await?;
        let mut pipe = redis::pipe();
        for key in &keys {
            pipe.cmd("TYPE").arg(&key[..]);
        }
        let types: Vec<String> = match keys.is_empty() {
            true => Vec::new(),
            false => send(master, &pipe).await?,
        };
        if cursor == "0" {
            self.masters.pop();
        }
        self.cursor = cursor;
        let keys = keys.iter().map(|key| String::from_utf8_lossy(key).into());
        Ok(Some(keys.zip(types).collect()))
    }
}

async fn send<T: redis::FromRedisValue + Send>(master: &Link, pipe: &redis::Pipeline) -> Result<T> {
    let request = Request::Pipe(pipe);
    within(async { master.send(&request).await.map_err(from_redis) }).await
}

/// A sorted set or a hash.
pub(super) struct Members<'a> {
    connection: &'a Connection,
    command: &'static str,
    key: String,
    cursor: Option<String>,
}

impl<'a> Members<'a> {
    /// Of a sorted set: members and scores.
    pub(super) fn of_set(connection: &'a Connection, key: String) -> Self {
        Self::new(connection, "ZSCAN", key)
    }

    /// Of a hash: fields and values.
    pub(super) fn of_hash(connection: &'a Connection, key: String) -> Self {
        Self::new(connection, "HSCAN", key)
    }

    fn new(connection: &'a Connection, command: &'static str, key: String) -> Self {
        Self { connection, command, key, cursor: Some("0".to_owned()) }
    }

    /// Some; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<(String, String)>>> {
        let Some(cursor) = self.cursor.take() else {
            return Ok(None);
        };
        let mut pipe = redis::pipe();
        pipe.cmd(self.command).arg(&self.key).arg(cursor).arg("COUNT").arg(STEP);
        let ((cursor, values),): ((String, Vec<Value>),) =
            within(self.connection.pipe(&pipe)).await?;
        self.cursor = (cursor != "0").then_some(cursor);
        let mut texts = values.into_iter().map(text);
        let pairs = std::iter::from_fn(|| Some((texts.next()?, texts.next()?)));
        Ok(Some(pairs.collect()))
    }
}

/// Members are bytes, scores may be numbers.
fn text(value: Value) -> String {
    match redis::from_redis_value::<Vec<u8>>(value.clone()) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => redis::from_redis_value(value).unwrap_or_default(),
    }
}
