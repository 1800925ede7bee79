//! Walks over all keys, and over large sets and hashes, in short steps. What is there all the
//! time comes at least once, and may come twice.

use redis::{FromRedisValue, Value};
use spiderq_core::error::Result;

use crate::{
    error::{bad_reply, from_redis},
    link::{Command, Connection, Link, within},
};

/// How many entries Redis looks at in one step, about.
const STEP: usize = 500;
/// The cursor of a walk that begins, and of one that has ended.
pub(crate) const START: &str = "0";

/// All keys that match a pattern, of every master.
pub(crate) struct Keyspace {
    pattern: String,
    masters: Vec<Link>,
    cursor: String,
}

impl Keyspace {
    pub(crate) fn new(connection: &Connection, pattern: String) -> Self {
        Self { pattern, masters: connection.masters(), cursor: START.to_owned() }
    }

    /// Some keys with their types; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(String, String)>>> {
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
        if cursor == START {
            self.masters.pop();
        }
        self.cursor = cursor;
        let keys = keys.iter().map(|key| String::from_utf8_lossy(key).into());
        Ok(Some(keys.zip(types).collect()))
    }
}

async fn send<T: FromRedisValue + Send>(master: &Link, pipe: &redis::Pipeline) -> Result<T> {
    let command = Command::Pipeline(pipe);
    within(async { master.send(&command).await.map_err(from_redis) }).await
}

/// A sorted set or a hash.
pub(crate) struct Members<'a> {
    connection: &'a Connection,
    command: &'static str,
    key: String,
    cursor: Option<String>,
}

impl<'a> Members<'a> {
    /// Of a sorted set: members and scores.
    pub(crate) fn of_set(connection: &'a Connection, key: String) -> Self {
        Self::new(connection, "ZSCAN", key)
    }

    /// Of a hash: fields and values.
    pub(crate) fn of_hash(connection: &'a Connection, key: String) -> Self {
        Self::new(connection, "HSCAN", key)
    }

    fn new(connection: &'a Connection, command: &'static str, key: String) -> Self {
        Self { connection, command, key, cursor: Some(START.to_owned()) }
    }

    /// The same, from where another walk stopped.
    pub(crate) fn from(self, cursor: String) -> Self {
        Self { cursor: Some(cursor), ..self }
    }

    /// Where to go on; [`START`] at the end.
    pub(crate) fn cursor(&self) -> &str {
        self.cursor.as_deref().unwrap_or(START)
    }

    /// Some; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(String, String)>>> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let mut pipe = redis::pipe();
        pipe.cmd(self.command).arg(&self.key).arg(cursor).arg("COUNT").arg(STEP);
        let ((cursor, values),): ((String, Vec<Value>),) =
            within(self.connection.pipe(&pipe)).await?;
        self.cursor = (cursor != START).then_some(cursor);
        let texts: Vec<String> = values.into_iter().map(text).collect::<Result<_>>()?;
        let mut texts = texts.into_iter();
        let pairs = std::iter::from_fn(|| Some((texts.next()?, texts.next()?)));
        Ok(Some(pairs.collect()))
    }
}

/// Members are bytes, scores may be numbers.
fn text(value: Value) -> Result<String> {
    match redis::from_redis_value::<Vec<u8>>(value.clone()) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => redis::from_redis_value(value).map_err(bad_reply),
    }
}
