//! Errors of Redis as errors of the store: the one place that distinguishes "out of reach, try
//! again" from "a fault of ours". Their texts go to the log only and hold no URL.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use spiderq_core::error::Error;

use crate::link::refused;

/// Codes of errors that pass by themselves: memory, disk, start-up, fail-over, a script that runs
/// long.
const TRANSIENT: [&str; 11] = [
    "OOM",
    "MISCONF",
    "READONLY",
    "LOADING",
    "CLUSTERDOWN",
    "BUSY",
    "TRYAGAIN",
    "MASTERDOWN",
    "NOREPLICAS",
    // A slot that is on its way, or a cluster that does not agree yet.
    "MOVED",
    "ASK",
];

pub(crate) fn from_redis(error: RedisError) -> Error {
    if is_transient(&error) { Error::unavailable(error) } else { Error::bug(error) }
}

/// The same at the first connection, where wrong credentials are the operator's mistake.
pub(crate) fn at_start(error: RedisError) -> Error {
    let refuses = |code: String| ["WRONGPASS", "NOAUTH"].contains(&code.as_str());
    if error.kind() == ErrorKind::AuthenticationFailed || inner_codes(&error).any(refuses) {
        return refused("the server refuses the user or the password");
    }
    if error.kind() == ErrorKind::InvalidClientConfig {
        return refused("the certificates can't be used");
    }
    from_redis(error)
}

/// There is no connection, so that nothing was sent.
pub(crate) fn not_connected() -> RedisError {
    RedisError::from((ErrorKind::Io, "no connection"))
}

/// How the text of [`bad_reply`] begins.
pub(crate) const UNEXPECTED: &str = "unexpected data in redis: ";

/// A reply that is not of the form our scripts give.
pub(crate) fn bad_reply(what: impl std::fmt::Display) -> Error {
    Error::bug(format!("{UNEXPECTED}{what}"))
}

fn is_transient(error: &RedisError) -> bool {
    if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() {
        return true;
    }
    if error.code().is_some_and(|code| TRANSIENT.contains(&code)) || any_code_is_transient(error) {
        return true;
    }
    matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ReadOnly
            )
    )
}

/// A pipeline or transaction reports the refusals of its commands inside of its own.
fn any_code_is_transient(error: &RedisError) -> bool {
    inner_codes(error).any(|code| TRANSIENT.contains(&code.as_str()))
}

fn inner_codes(error: &RedisError) -> impl Iterator<Item = String> {
    let errors = error.clone().into_server_errors();
    let codes = |(_, error): &(usize, redis::ServerError)| error.code().to_owned();
    let codes: Vec<String> = errors.iter().flat_map(|all| all.iter().map(codes)).collect();
    codes.into_iter()
}

/// Whether the connection is of no more use: it broke, it hangs, or its server is no master any
/// more.
pub(crate) fn ends_connection(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || inner_codes(error).any(|code| code == "READONLY" || code == "MASTERDOWN")
}

/// Whether the nodes of a cluster do not agree, so that the map of slots is to be read again.
pub(crate) fn misplaced(error: &RedisError) -> bool {
    inner_codes(error).any(|code| ["ASK", "CLUSTERDOWN", "MOVED", "TRYAGAIN"].contains(&&*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(line: &str) -> RedisError {
        let reply = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        reply.extract_error().unwrap_err()
    }

    #[test]
    fn transient_errors_are_unavailable() {
        for code in TRANSIENT {
            let error = from_redis(server(&format!("{code} some reason")));
            assert!(matches!(error, Error::Unavailable { .. }), "{code}");
        }
    }

    #[test]
    fn every_other_error_is_a_bug() {
        for line in ["ERR unknown command", "WRONGTYPE x", "NOPERM x", "CROSSSLOT x"] {
            assert!(matches!(from_redis(server(line)), Error::Bug(_)), "{line}");
        }
    }
}
