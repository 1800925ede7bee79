//! What goes to one server in one trip: a script or a pipeline, all about one slot. It is sent
//! once: what a server may have taken is never sent again from here.

use redis::{
    Arg, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, Script,
    ServerErrorKind, aio::MultiplexedConnection,
};

use super::slots::{self, Slot};
use crate::names::PREFIX;

/// One trip.
pub(crate) enum Command<'a> {
    Script {
        script: &'a Script,
        /// EVALSHA of it.
        call: Cmd,
        keys: usize,
    },
    Pipeline(&'a Pipeline),
}

impl<'a> Command<'a> {
    /// A script with its keys and arguments.
    pub(crate) fn script(script: &'a Script, keys: &[&str], arguments: &[&[u8]]) -> Self {
        let mut call = redis::cmd("EVALSHA");
        call.arg(script.get_hash()).arg(keys.len()).arg(keys).arg(arguments);
        Self::Script { script, call, keys: keys.len() }
    }

    /// Commands that only read, each about one key, for `read.lua`; `None` if one has no key.
    pub(crate) fn reads(script: &'a Script, pipe: &Pipeline) -> Option<Self> {
        let (mut keys, mut arguments) = (Vec::new(), Vec::new());
        for command in pipe.cmd_iter() {
            // What is no plain word is no part of a command that only reads.
            let mut words = command
                .args_iter()
                .map(|word| if let Arg::Simple(word) = word { Some(word) } else { None });
            let (name, key) = (words.next()??, words.next()??);
            let rest: Vec<&[u8]> = words.collect::<Option<_>>()?;
            keys.push(key);
            arguments.extend([name.to_vec(), rest.len().to_string().into_bytes()]);
            arguments.extend(rest.into_iter().map(<[u8]>::to_vec));
        }
        let mut call = redis::cmd("EVALSHA");
        call.arg(script.get_hash()).arg(keys.len()).arg(&keys).arg(&arguments);
        Some(Self::Script { script, call, keys: keys.len() })
    }

    /// The slot of its first key; all its keys share it. `None` for what is of no key.
    pub(crate) fn slot(&self) -> Option<Slot> {
        fn key(command: &Cmd, index: usize) -> Option<&[u8]> {
            match command.args_iter().nth(index) {
                Some(Arg::Simple(key)) if key.starts_with(PREFIX) => Some(key),
                Some(Arg::Simple(_) | Arg::Cursor) | None => None,
                // The enum is open; what it may yet hold is no key.
                Some(_) => None,
            }
        }
        match self {
            Self::Script { call, .. } => key(call, 3),
            Self::Pipeline(pipe) => pipe.cmd_iter().find_map(|command| key(command, 1)),
        }
        .map(slots::of_key)
    }

    /// Sends it. Where a server does not know the script, nothing was done: it is loaded, and
    /// called again.
    pub(crate) async fn send<T: FromRedisValue>(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<T> {
        match self {
            Self::Pipeline(pipe) => pipe.query_async(connection).await,
            Self::Script { script, call, .. } => match call.query_async(connection).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    script.load_async(connection).await?;
                    call.query_async(connection).await
                }
                done => done,
            },
        }
    }

    /// Whether it is about one key alone: while a slot moves, only such a command finds all
    /// that it is about on one node.
    pub(crate) fn has_one_key(&self) -> bool {
        match self {
            Self::Script { keys, .. } => *keys == 1,
            Self::Pipeline(pipe) => pipe.len() == 1,
        }
    }

    /// Sends it, if it [has one key](Self::has_one_key), to the node that takes over its slot.
    pub(crate) async fn send_asking<T: FromRedisValue>(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<T> {
        let mut asking = redis::pipe();
        asking.cmd("ASKING").ignore();
        match self {
            Self::Script { script, call, .. } => {
                script.load_async(connection).await?;
                asking.add_command(call.clone());
                let (reply,) = asking.query_async(connection).await?;
                Ok(reply)
            }
            Self::Pipeline(pipe) => {
                for command in pipe.cmd_iter() {
                    asking.add_command(command.clone());
                }
                asking.query_async(connection).await
            }
        }
    }
}

/// Where a node says that a command belongs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// Another node has the slot; nothing was done.
    Moved,
    /// The key is not here any more, or not at all: `HOST:PORT` is taking its slot over.
    Ask(String),
}

impl Redirect {
    /// What `error` says, alone or first of a pipeline or transaction.
    pub(crate) fn of(error: &RedisError) -> Option<Self> {
        let errors = error.clone().into_server_errors()?;
        let (_, first) = errors.first()?;
        match first.code() {
            "MOVED" => Some(Self::Moved),
            "ASK" => {
                let target = first.details()?.split(' ').nth(1)?;
                Some(Self::Ask(target.to_owned()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_by_its_first_key() {
        let script = Script::new("return 1");
        let one = Command::script(&script, &["sq:{7}:c", "sq:{7}:s"], &[b"sq:{8}"]);
        assert_eq!(one.slot(), Some(slots::of_key(b"7")));
        assert!(!one.has_one_key());
        let mut pipe = redis::pipe();
        pipe.hset("sq:{keys}", "field", "sq:{9}");
        assert_eq!(Command::Pipeline(&pipe).slot(), Some(slots::of_key(b"keys")));
        assert!(Command::Pipeline(&pipe).has_one_key());
        let mut ping = redis::pipe();
        ping.cmd("PING");
        assert_eq!(Command::Pipeline(&ping).slot(), None);
    }

    #[test]
    fn redirects_are_read() {
        let error = |line: &str| {
            let reply = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
            reply.extract_error().unwrap_err()
        };
        let ask = Redirect::of(&error("ASK 3999 127.0.0.1:6381"));
        assert_eq!(ask, Some(Redirect::Ask("127.0.0.1:6381".to_owned())));
        let moved = Redirect::of(&error("MOVED 3999 127.0.0.1:6381"));
        assert_eq!(moved, Some(Redirect::Moved));
        assert_eq!(Redirect::of(&error("ERR no")), None);
    }
}
