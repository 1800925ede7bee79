//! How long a call may take whose caller does not say: without an end it would go on working for
//! somebody who has long gone.

use std::time::Duration;

use spiderq_core::limits::{DEFAULT_CALL_TIMEOUT, DEFAULT_LIST_TIMEOUT, MAX_START_WAIT_MS};

/// What the paths of our own services begin with. Others end by rules of their own.
const OWN: &str = "/spiderq.v1.";

/// `None`: the call has no end of its own.
pub(super) fn of(path: &str) -> Option<Duration> {
    let (_, method) = path.strip_prefix(OWN)?.split_once('/')?;
    match method {
        // It ends with its reader, or when that may no longer read.
        "WatchJobs" | "ReadOutput" => None,
        "ListQueue" => Some(DEFAULT_LIST_TIMEOUT),
        // The wait has a limit of its own.
        "StartJob" => Some(DEFAULT_CALL_TIMEOUT + Duration::from_millis(MAX_START_WAIT_MS)),
        _ => Some(DEFAULT_CALL_TIMEOUT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_and_lists_may_take_longer_and_watches_as_long_as_they_are_read() {
        let times = ["GetJob", "StartJob", "ListQueue", "WatchJobs", "ReadOutput", "Later"]
            .map(|method| of(&format!("/spiderq.v1.JobService/{method}")).map(|it| it.as_secs()));
        assert_eq!(times, [Some(60), Some(120), Some(600), None, None, Some(60)]);
        assert_eq!(of("/grpc.health.v1.Health/Watch"), None);
    }
}
