//! What Redis says, as errors of ours: the one place that tells "out of reach, try again" from
//! "a fault of ours". Its texts go to the log only and hold no URL.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::url::refused;
use spiderq_core::error::Error;

/// Codes of answers that pass: memory, disk, start-up, fail-over, a script that runs long.
const PASSING: [&str; 11] = [
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

/// By the kind of `error`.
pub(super) fn from_redis(error: RedisError) -> Error {
    if passes(&error) { Error::unavailable(error) } else { Error::bug(error) }
}

/// The same before anything has worked yet: what the operator has got wrong, then.
pub(super) fn at_start(error: RedisError) -> Error {
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
pub(super) fn away() -> RedisError {
    RedisError::from((ErrorKind::Io, "no connection"))
}

/// How the text of [`bad_reply`] begins.
pub(super) const UNEXPECTED: &str = "unexpected data in redis: ";

/// A reply that is not of the form our scripts give.
pub(super) fn bad_reply(what: impl std::fmt::Display) -> Error {
    Error::bug(format!("{UNEXPECTED}{what}"))
}

fn passes(error: &RedisError) -> bool {
    if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() {
        return true;
    }
    if error.code().is_some_and(|code| PASSING.contains(&code)) || inner_code_passes(error) {
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
fn inner_code_passes(error: &RedisError) -> bool {
    inner_codes(error).any(|code| PASSING.contains(&code.as_str()))
}

fn inner_codes(error: &RedisError) -> impl Iterator<Item = String> {
    let errors = error.clone().into_server_errors();
    let codes = |(_, error): &(usize, redis::ServerError)| error.code().to_owned();
    let codes: Vec<String> = errors.iter().flat_map(|all| all.iter().map(codes)).collect();
    codes.into_iter()
}

/// Whether the connection is of no more use: it broke, it hangs, or who is at its other end
/// is no master any more.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || inner_codes(error).any(|code| code == "READONLY" || code == "MASTERDOWN")
}

/// Whether the nodes of a cluster do not agree, so that another may know more.
pub(super) fn misplaced(error: &RedisError) -> bool {
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
    fn trouble_that_passes_is_unavailable() {
        for code in PASSING {
            let error = from_redis(server(&format!("{code} some reason")));
            assert!(matches!(error, Error::Unavailable { .. }), "{code}");
        }
    }

    #[test]
    fn everything_else_is_a_fault_of_ours() {
        for line in ["ERR unknown command", "WRONGTYPE x", "NOPERM x", "CROSSSLOT x"] {
            assert!(matches!(from_redis(server(line)), Error::Bug(_)), "{line}");
        }
    }
}
