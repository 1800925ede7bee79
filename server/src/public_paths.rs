//! What is answered without credentials: the one list, for all that treats such requests otherwise.
//! The gateway knows its own paths.

use spiderq_gateway::PUBLIC_PATHS;

pub(crate) const HEALTHZ: &str = "/healthz";
pub(crate) const READYZ: &str = "/readyz";
/// The only call of our services.
const SERVER_TIME: &str = "/spiderq.v1.ProjectService/GetServerTime";
/// Health and reflection.
const GRPC: &str = "/grpc.";
/// A stream of what health says, for as long as its client wants.
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
/// Each of its calls answers question after question, as long as its client has any.
const REFLECTION: &str = "/grpc.reflection.";

/// Whether `path` is answered to anyone.
pub(crate) fn is_public(path: &str) -> bool {
    let short = path.trim_end_matches('/');
    [HEALTHZ, READYZ].contains(&short)
        || PUBLIC_PATHS.contains(&short)
        || is_public_call(path)
        || path.starts_with(GRPC)
}

/// Whether it is a call of our services that is answered to anyone.
pub(crate) fn is_public_call(path: &str) -> bool {
    path == SERVER_TIME
}

/// Whether it is a public call without an end of its own.
pub(crate) fn is_public_stream(path: &str) -> bool {
    path == HEALTH_WATCH || is_reflection(path)
}

/// Whether it is a call in which messages of the client may come at any time: only reflection takes
/// them.
pub(crate) fn is_reflection(path: &str) -> bool {
    path.starts_with(REFLECTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_reflection_time_and_the_description_are_public() {
        for path in [
            "/healthz",
            "/readyz/",
            "/system/ts",
            "/openapi.json",
            "/grpc.health.v1.Health/Watch",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "/spiderq.v1.ProjectService/GetServerTime",
        ] {
            assert!(is_public(path), "{path}");
        }
        for path in ["/jobq/1/count", "/spiderq.v1.JobService/GetJob", "/", "/healthz2"] {
            assert!(!is_public(path), "{path}");
        }
    }
}
