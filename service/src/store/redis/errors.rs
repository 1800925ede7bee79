//! What Redis says, as errors of ours: the one place that tells "out of reach, try again" from
//! "a fault of ours". Its texts go to the log only and hold no URL.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::error::Error;

/// Codes of answers that pass: memory, disk, start-up, fail-over, a script that runs long.
const PASSING: [&str; 9] = [
    "OOM",
    "MISCONF",
    "READONLY",
    "LOADING",
    "CLUSTERDOWN",
    "BUSY",
    "TRYAGAIN",
    "MASTERDOWN",
    "NOREPLICAS",
];

/// By the kind of `error`.
pub(super) fn from_redis(error: RedisError) -> Error {
    if passes(&error) {
        Error::unavailable(error)
    } else {
        Error::bug(error)
    }
}

/// A reply that is not of the form our scripts give.
pub(super) fn bad_reply(what: impl std::fmt::Display) -> Error {
    Error::bug(format!("unexpected data in redis: {what}"))
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

/// A transaction reports the refusal of one of its commands inside of EXECABORT.
fn inner_code_passes(error: &RedisError) -> bool {
    let text = error.to_string();
    error.kind() == ErrorKind::Server(ServerErrorKind::ExecAbort)
        && PASSING.iter().any(|code| text.contains(code))
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
        for line in [
            "ERR unknown command",
            "WRONGTYPE x",
            "NOPERM x",
            "CROSSSLOT x",
        ] {
            assert!(matches!(from_redis(server(line)), Error::Bug(_)), "{line}");
        }
    }
}
