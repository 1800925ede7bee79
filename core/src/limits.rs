//! Every limit and default of the API, in one place: what a job may hold, what one call may
//! ask for, how long things last. Messages are formatted from these constants, and a test
//! holds README, docs and the comments of the API against them. Limits of connections are in
//! `server/src/listen/limits.rs`.

use std::time::Duration;

// A job.

/// Tags of one job or spider.
pub const MAX_TAGS: usize = 64;
/// Bytes of a tag; the least is 1.
pub const MAX_TAG_BYTES: usize = 128;
/// Bytes of a spider's name; the least is 1.
pub const MAX_SPIDER_NAME_BYTES: usize = 255;
/// Bytes of the name of an API key's owner; the least is 1.
pub const MAX_OWNER_NAME_BYTES: usize = 64;
/// Bytes of the name of a metadata field or setting; the least is 1.
pub const MAX_FIELD_NAME_BYTES: usize = 128;
/// Bytes of a job's metadata, or of a project's settings: names and JSON values in all.
pub const MAX_METADATA_BYTES: usize = 1 << 20;
/// Arrays and objects inside each other in a JSON value.
pub const MAX_JSON_DEPTH: usize = 64;
/// Bytes of the `unique` value of a push; the least is 1.
pub const MAX_UNIQUE_BYTES: usize = 1_024;
/// The largest number of a project, spider or job, and the largest of a setting without a
/// limit of its own: the integers that every reader of JSON holds exactly.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;
/// The highest priority; the lowest is 0.
pub const MAX_PRIORITY: u8 = 4;
/// Priority of a job that names none.
pub const DEFAULT_PRIORITY: u8 = 2;
/// Units of the heaviest job; the lightest has 1.
pub const MAX_UNITS: u8 = 6;
/// Units of a job that names none.
pub const DEFAULT_UNITS: u8 = 1;

// A call.

/// Job keys, jobs, updates or settings that one call may name.
pub const MAX_ITEMS: usize = 1_000;
/// Jobs that one step of a store may be about: what Redis does in one script without holding
/// up others. Calls about more go in several steps.
pub const MAX_BATCH: usize = 100;
/// Spiders, tags or fields that a filter or a change of tags may name, each.
pub const MAX_FILTER_NAMES: usize = 100;
/// Wrong fields that one error names: they travel in a header.
pub const MAX_VIOLATIONS: usize = 20;
/// Jobs that one call by filter changes; its token leads to the rest.
pub const MAX_BULK_JOBS: u64 = 10_000;
/// Projects of a `ListProjects` page, also when the call does not say.
pub const MAX_PROJECTS_PAGE: usize = 100_000;
/// Jobs of a `ListJobs` page when the call does not say.
pub const DEFAULT_PAGE_SIZE: usize = 100;
/// Jobs of the largest `ListJobs` page.
pub const MAX_PAGE_SIZE: usize = 1_000;
/// Jobs that `ListQueue`, and so `/jobq/P/list`, returns when the call does not say.
pub const DEFAULT_QUEUE_COUNT: u64 = 1_000;
/// Spiders or last jobs that one call returns, also when it does not say.
pub const MAX_ROWS: usize = 1_000;
/// Jobs per state of a `SummarizeQueue` that does not say.
pub const DEFAULT_SUMMARY_ROWS: u32 = 5;
/// Jobs per state of the largest `SummarizeQueue`; the least is 0.
pub const MAX_SUMMARY_ROWS: u32 = 1_000;
/// Jobs that one `CancelJobs` by `oldest_pending` may cancel; the least is 1.
pub const MAX_CANCEL_OLDEST: u32 = 100_000;
/// Bytes of a request id; the least is 1.
pub const MAX_REQUEST_ID_BYTES: usize = 128;
/// How long the answer under a request id is kept: 24 h, in ms.
pub const REQUEST_ID_TTL_MS: u64 = 24 * 60 * 60 * 1_000;
/// Texts, bytes and messages inside one gRPC request, at any depth.
pub const MAX_MESSAGE_ELEMENTS: usize = 250_000;
/// Parameters of a query or form together.
pub const MAX_PARAMETERS: usize = 5_000;
/// Bytes of a form that brings its API key inside: it is read before its caller is known.
pub const MAX_KEYLESS_FORM_BYTES: usize = 64 << 10;
/// Bytes of each call that take nothing of the memory of all, so that heartbeats and other small
/// calls go on where it is used up. A connection's buffers are larger than that.
pub const FREE_MEMORY_BYTES: usize = 4 << 10;
/// How many times its size a compressed body may expand to …
pub const MAX_EXPANSION: usize = 200;
/// … beyond so many bytes, up to which any ratio will do.
pub const FREE_EXPANSION_BYTES: usize = 4 << 20;
/// Bytes from which a response, or over gRPC a message of it, is compressed if its length is known.
pub const MIN_COMPRESSED_BYTES: usize = 1 << 10;
/// Bytes of a gRPC request message to health and reflection, which need no credentials.
pub const MAX_PUBLIC_REQUEST_BYTES: usize = 64 << 10;
/// Bytes of a gRPC response. Only a single job that outgrew its limit by many starts gets there:
/// what holds several jobs ends by [`MAX_PAGE_BYTES`].
pub const MAX_RESPONSE_BYTES: usize = 64 << 20;
/// Bytes of the jobs of one response, counted as they are in memory and before compression: with
/// it gRPC clients need not raise the limit that they have by default. The job that would go
/// beyond it is left to the next page; a larger one is a page of its own.
pub const MAX_PAGE_BYTES: usize = 4 << 20;
/// Bytes of the jobs that a store reads in one step, counted as they are in memory. The job that
/// reaches it is the last.
pub const MAX_STORE_PAGE_BYTES: usize = 1 << 20;
/// How long a request body or a response waits for memory that others hold, before it is refused.
pub const MEMORY_WAIT: Duration = Duration::from_secs(2);
/// Calls that may wait for memory at a time, in one process.
pub const MAX_MEMORY_WAITERS: usize = 256;

/// How long a gRPC call may take whose caller sets no deadline. A `StartJob` has this after the
/// longest wait, and a `WatchJobs` no end.
pub const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The same of a `ListQueue`, whose reader may be slow.
pub const DEFAULT_LIST_TIMEOUT: Duration = Duration::from_secs(600);

// Workers.

/// The shortest lease, ms. A start may also ask for 0: no lease.
pub const MIN_LEASE_MS: u64 = 1_000;
/// The longest lease, ms: 1 h.
pub const MAX_LEASE_MS: u64 = 3_600_000;
/// The lease of a start or heartbeat that names none, ms.
pub const DEFAULT_LEASE_MS: u64 = 30_000;
/// The longest time that a start waits for a job, ms.
pub const MAX_START_WAIT_MS: u64 = 60_000;
/// A wait ends this long before the caller's own deadline, or a tenth of the time that is left
/// if that is less: the response must still arrive, and no claim may be under way then.
pub const START_DEADLINE_MARGIN: Duration = Duration::from_millis(500);
/// Bytes of metadata that a start may bring. They may go over [`MAX_METADATA_BYTES`]: a job
/// that is full must not block the queue.
pub const MAX_START_METADATA_BYTES: usize = 256 << 10;

// Settings of a project.

/// After so long without a round of any reaper, ms, heartbeats count as not heard meanwhile: no
/// process ran, or none reached the store. Longer than a reaper pauses after a failure.
pub const MIN_OUTAGE_MS: u64 = 5_000;
/// After an outage, workers have as long as it was for a heartbeat, but no longer than this, ms.
pub const MAX_HEARTBEAT_GRACE_MS: u64 = 30_000;

/// The largest `max_running` and `max_running_units`; the least is 0.
pub const MAX_RUNNING_SETTING: u64 = 1_000_000;
/// The largest `max_attempts`; the least is 1.
pub const MAX_ATTEMPTS_SETTING: u64 = 1_000;
/// Attempts of a job whose workers are lost, where `max_attempts` is not set.
pub const DEFAULT_MAX_ATTEMPTS: u64 = 3;
/// The largest `cancel_timeout`, seconds: 24 h; the least is 1.
pub const MAX_CANCEL_TIMEOUT_S: u64 = 86_400;
/// How long a running job may take to end after it was asked to stop, where `cancel_timeout`
/// is not set, seconds.
pub const DEFAULT_CANCEL_TIMEOUT_S: u64 = 300;

// Output of jobs.

/// Bytes of one line of a job's output.
pub const MAX_OUTPUT_LINE_BYTES: usize = 1 << 20;
/// Bytes of the lines of one `AppendOutput`.
pub const MAX_OUTPUT_BATCH_BYTES: usize = 4 << 20;
/// Lines of one `AppendOutput`.
pub const MAX_OUTPUT_BATCH_LINES: usize = 100_000;
/// Bytes of a gRPC request that takes lines of output: somewhat over the most of its lines and what
/// stands between them.
pub const MAX_OUTPUT_REQUEST_BYTES: usize = 5 << 20;
/// Bytes of the outputs of one attempt together, where `max_output_bytes` is not set: 10 GiB.
pub const DEFAULT_MAX_OUTPUT_BYTES: u64 = 10 << 30;
/// How long after its end a job's last holder may append to its output: what its runner sent
/// before the end may come after it.
pub const OUTPUT_GRACE_MS: u64 = 60_000;
/// Fields of items or requests, or levels of logs, that one output counts.
pub const MAX_OUTPUT_COUNTS: usize = 256;
/// Bytes of the `contains` or the `regex` of one `ReadOutput`.
pub const MAX_OUTPUT_FILTER_BYTES: usize = 1_024;
/// The largest `tail` of one `ReadOutput`.
pub const MAX_OUTPUT_TAIL: u64 = 100_000;
/// Bytes of the lines of one response of `ReadOutput`; a single longer line comes alone.
pub const MAX_OUTPUT_PAGE_BYTES: usize = 1 << 20;

// Events and watches.

/// Events kept of a project; older ones go as new ones come.
pub const MAX_EVENTS: u64 = 10_000;
/// Events of a project are kept until nobody asked for them for this long.
pub const EVENTS_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes that wait for the reader of a watch; a single larger event may.
pub const MAX_WATCH_BUFFER_BYTES: u32 = 256 << 10;
/// A watch ends when its reader takes nothing for this long while something waits for room.
pub const WATCH_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// A call that waits asks again after this long at most whether its caller still may: a key may be
/// revoked by another process or expire, and a job's token ends with its attempt.
pub const RECHECK_INTERVAL: Duration = Duration::from_secs(15);
/// Whoever waits for notifications reads again after this long without one: a notification may
/// be lost with a broken connection.
pub const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(15);

// Access.

/// How long a process accepts an API key without asking the store again, ms; a key that was
/// revoked elsewhere is good for so long.
pub const API_KEY_TTL_MS: u64 = 5_000;
/// How long a known API key is accepted while the store can't be asked about it, ms: in a
/// Cluster the keys may be on a master that is away while the jobs are not.
pub const API_KEY_TTL_STORE_AWAY_MS: u64 = 60_000;
/// API keys that a process remembers; beyond that it begins anew.
pub const MAX_CACHED_API_KEYS: usize = 10_000;
/// How long an API key is good after it was rotated, ms, where the call does not say.
pub const DEFAULT_KEY_KEEP_MS: u64 = 3_600_000;
/// The longest that a call may say, ms.
pub const MAX_KEY_KEEP_MS: u64 = 30 * 24 * 3_600_000;
/// The least time between two reads of the counters of a project's running jobs, for watches that
/// tell progress.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Running jobs of a project whose progress is told, the latest.
pub const MAX_PROGRESS_JOBS: usize = 10_000;
/// Projects that one watch of all projects may have.
pub const MAX_WATCHED_PROJECTS: usize = 1_000;
/// How often a watch of all projects looks for new ones.
pub const PROJECTS_INTERVAL: Duration = Duration::from_secs(5);
/// How long the session of a browser is good where `--session-lifetime` does not say, ms.
pub const DEFAULT_SESSION_LIFETIME_MS: u64 = 12 * 3_600_000;
/// The longest session of a browser, ms.
pub const MAX_SESSION_LIFETIME_MS: u64 = 30 * 24 * 3_600_000;
/// Bytes of the text of a session.
pub const MAX_SESSION_BYTES: usize = 512;
/// Bytes of the shortest `--token-secret`.
pub const MIN_TOKEN_SECRET_BYTES: usize = 16;

// Quotas of an API key in one server process, where neither `--quota-…` nor the key says.

/// Calls a second, on average.
pub const DEFAULT_QUOTA_RATE: u64 = 10_000;
/// Calls that may come at once after a pause.
pub const DEFAULT_QUOTA_BURST: u64 = 30_000;
/// Calls under way that neither wait nor watch.
pub const DEFAULT_QUOTA_CALLS: u64 = 2_000;
/// StartJob calls that wait for a job.
pub const DEFAULT_QUOTA_WAITS: u64 = 10_000;
/// Open WatchJobs calls.
pub const DEFAULT_QUOTA_WATCHES: u64 = 10_000;
/// Projects that come into being by its calls, a day.
pub const DEFAULT_QUOTA_PROJECTS: u64 = 10_000;
/// Pending and running jobs of a project to which it adds some.
pub const DEFAULT_QUOTA_JOBS: u64 = 10_000_000;
/// Bytes of the messages that calls bring, a second, on average: 64 MiB.
pub const DEFAULT_QUOTA_BYTES: u64 = 64 << 20;
/// The largest quota of an API key.
pub const MAX_QUOTA: u64 = 1_000_000_000;

// The audit.

/// Days that the store keeps audit events, where `--audit-keep` does not say.
pub const DEFAULT_AUDIT_KEEP_DAYS: u32 = 90;
/// The largest `--audit-keep`, days: ten years. The least is 0: none are kept.
pub const MAX_AUDIT_KEEP_DAYS: u32 = 3_650;
/// Audit events that the store keeps; the oldest go first. Bounds what a caller who may act can
/// make it grow to.
pub const MAX_AUDIT_EVENTS: u64 = 1_000_000;
/// Audit events that one `ListAuditEvents` looks at: its page may be short, and its token leads on.
pub const MAX_AUDIT_SCAN: usize = 10_000;
/// Bytes of an audit event's subject; a longer one is cut.
pub const MAX_AUDIT_SUBJECT_BYTES: usize = 1_024;
/// Addresses whose failed authentications are counted each; further ones are counted together.
/// The same holds for callers who are refused an act.
pub const MAX_SAMPLED_SOURCES: usize = 1_000;
/// How often counts of failed authentications are logged, and old audit events removed.
pub const AUDIT_INTERVAL: Duration = Duration::from_secs(60);

// Runners.

/// How often a runner says how it is.
pub const RUNNER_REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// A runner that has reported nothing for this long is lost.
pub const RUNNER_LOST_AFTER: Duration = Duration::from_secs(30);
/// A runner that is gone is forgotten after this time, and so are the spiders that only it has.
pub const RUNNER_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Runners that are kept; of those that are gone, the longest gone make room for others. An owner of
/// keys has no more of them than are then free, so that one alone has at most half.
pub const MAX_RUNNERS: usize = 2_000;
/// Bytes of all of them, by the same rules: each server keeps them in memory.
pub const MAX_RUNNERS_BYTES: usize = 32 << 20;
/// Bytes of the runners of one page, or one runner that has more.
pub const RUNNER_PAGE_BYTES: usize = 1 << 20;
/// Bytes of a runner's id; the least is 1.
pub const MAX_RUNNER_ID_BYTES: usize = 64;
/// Bytes of a runner's name; the least is 1.
pub const MAX_RUNNER_NAME_BYTES: usize = 320;
/// Bytes of the version of a runner's program; the least is 1.
pub const MAX_RUNNER_VERSION_BYTES: usize = 64;
/// Projects that a runner takes jobs of, and spiders that it takes jobs of, where it does not take all.
pub const MAX_RUNNER_LIST: usize = 1_000;
/// Spiders that a runner's code has.
pub const MAX_RUNNER_SPIDERS: usize = 10_000;
/// Bytes of the names of these in all.
pub const MAX_RUNNER_SPIDERS_BYTES: usize = 192 << 10;

// The HTTP gateway.

/// Lines of a JSON-lines body: each costs memory and a line of the response.
pub const MAX_BODY_LINES: usize = 100_000;
/// Bytes of a request's body after decompression, where `--max-body` does not say.
pub const DEFAULT_MAX_BODY_BYTES: usize = 16 << 20;
/// Bytes of a request that takes the metadata of one job or the settings of a project, over HTTP
/// and over gRPC: somewhat over the largest metadata, so that those are refused by their name.
pub const MAX_METADATA_REQUEST_BYTES: usize = 2 << 20;
/// Bytes of a request that takes a key and a few fields: 1,000 job keys or the longest filter fit
/// in several times.
pub const MAX_SMALL_REQUEST_BYTES: usize = 256 << 10;
/// Rows of `/api/jobs/list` and `lastjobsummary` without `count`.
pub const DEFAULT_HTTP_COUNT: u64 = 1_000;
/// How long a response may take to begin, from the last byte of its request.
pub const DEFAULT_HTTP_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an `X-Request-Id` that a caller may bring. Longer ones are replaced, as every log
/// line repeats them.
pub const MAX_LOG_REQUEST_ID_BYTES: usize = 128;

/// A number of bytes as messages say it: `1 MiB`, `256 KiB`, `1000 bytes`.
#[must_use]
pub fn bytes_text(bytes: usize) -> String {
    match bytes {
        0 => "0 bytes".to_owned(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_said_in_the_largest_whole_unit() {
        let texts = [MAX_METADATA_BYTES, MAX_START_METADATA_BYTES, 1_000, 0].map(bytes_text);
        assert_eq!(texts, ["1 MiB", "256 KiB", "1000 bytes", "0 bytes"]);
    }
}
