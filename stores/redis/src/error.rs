//! Errors of Redis as errors of the store: the one place that distinguishes "out of reach, try
//! again" from "a fault of ours". Their texts go to the log only and hold no URL.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use spiderq_core::{error::Error, model::JobKey};

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
    if is_transient(&error) {
        return Error::unavailable(error);
    }
    match missing_permission(&error) {
        Some(text) => Error::bug(text),
        None => Error::bug(error),
    }
}

/// How Redis before 7.2 refuses a command in a script; it does not say which.
const REFUSED_IN_SCRIPT: &str = "The user executing the script can't run this command";

/// What the user of the store's URL may not do and must, for the operator.
fn missing_permission(error: &RedisError) -> Option<String> {
    let text = error.to_string();
    let in_script = text.contains(REFUSED_IN_SCRIPT);
    if !in_script && !inner_codes(error).any(|code| code == "NOPERM") {
        return None;
    }
    // As in: User x has no permissions to run the 'xtrim' command.
    let command = text.split_once("to run the '").and_then(|(_, rest)| rest.split_once('\''));
    let what = match command {
        Some((command, _)) => format!("run the command {}", command.to_uppercase()),
        None if in_script => {
            "run a command of a script (ACL LOG on the server names it)".to_owned()
        }
        None => format!("do all that is needed ({text})"),
    };
    Some(format!(
        "the user of --store may not {what}; docs/redis.md has the ACL SETUSER line with all that \
         it needs"
    ))
}

/// The same at the first connection, where wrong credentials are the operator's mistake.
pub(crate) fn at_start(error: RedisError) -> Error {
    if let Some(text) = missing_permission(&error) {
        return refused(text);
    }
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

/// The record of a job that could not be read, if that is why.
pub(crate) fn damaged_job(job: JobKey, error: Error) -> Error {
    if let Error::Bug(source) = error { Error::JobDamaged { job, source } } else { error }
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
    fn a_missing_permission_names_the_command_and_where_to_read_on() {
        let needs = "docs/redis.md has the ACL SETUSER line with all that it needs";
        for line in [
            "NOPERM User u has no permissions to run the 'xtrim' command",
            "NOPERM ACL failure in script: User u has no permissions to run the 'xtrim' command",
        ] {
            let told = format!("the user of --store may not run the command XTRIM; {needs}");
            assert_eq!(from_redis(server(line)).cause(), Some(told.clone()), "{line}");
            assert_eq!(at_start(server(line)).to_string(), format!("store: {told}"), "{line}");
        }
        let old =
            "ERR The user executing the script can't run this command or subcommand script: x";
        let told = from_redis(server(old)).cause().unwrap();
        assert!(
            told.contains("may not run a command of a script (ACL LOG on the server"),
            "{told}"
        );
        let key = from_redis(server("NOPERM No permissions to access a key")).cause().unwrap();
        assert!(key.contains("No permissions to access a key") && key.ends_with(needs), "{key}");
    }

    #[test]
    fn every_other_error_is_a_bug() {
        for line in ["ERR unknown command", "WRONGTYPE x", "NOPERM x", "CROSSSLOT x"] {
            assert!(matches!(from_redis(server(line)), Error::Bug(_)), "{line}");
        }
    }
}
