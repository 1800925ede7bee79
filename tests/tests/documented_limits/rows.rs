//! The limits, the texts that must state them, and where.

use spiderq_core::limits::*;

use crate::{
    audit, memory, n, output, quotas, rotation, runners, seconds, sessions, watches, workers,
};

/// A limit, and where which text must state it.
pub(crate) type Row = (&'static str, Vec<(&'static str, String)>);

const JOB: &str = "proto/spiderq/v1/job.proto";
pub(crate) const JOBS: &str = "proto/spiderq/v1/job_service.proto";
pub(crate) const QUEUE: &str = "proto/spiderq/v1/job_queue_service.proto";
const PROJECTS: &str = "proto/spiderq/v1/project_service.proto";
pub(crate) const API_KEYS: &str = "proto/spiderq/v1/api_key_service.proto";
pub(crate) const README: &str = "README.md";
pub(crate) const HTTP_PAGE: &str = "docs/contract.md";
pub(crate) const LIMITS_PAGE: &str = "docs/limits.md";
pub(crate) const OPENAPI: &str = "gateway/openapi.json";
pub(crate) const ARCHITECTURE: &str = "docs/architecture.md";

/// Limits that no page states: they are about what only a developer meets.
pub(crate) const UNSTATED: [&str; 6] = [
    "MAX_RUNNING_SETTING",
    "MAX_ATTEMPTS_SETTING",
    "MAX_CANCEL_TIMEOUT_S",
    "EVENTS_TTL",
    "API_KEY_TTL_MS",
    "MAX_CACHED_API_KEYS",
];

fn of_a_job() -> Vec<Row> {
    let tag_items = r##""items": {"$ref": "#/components/schemas/Tag"}"##;
    let tags = format!("At most {MAX_TAGS} tags of 1 to {MAX_TAG_BYTES} bytes");
    vec![
        (
            "MAX_TAGS",
            vec![
                (README, format!("{MAX_TAGS} tags of {MAX_TAG_BYTES} bytes a job or spider")),
                (HTTP_PAGE, format!("A job or a spider has at most {MAX_TAGS} tags")),
                (LIMITS_PAGE, format!("{MAX_JSON_DEPTH}; {MAX_TAGS} of {MAX_TAG_BYTES} bytes;")),
                (JOB, tags),
                (
                    OPENAPI,
                    format!(
                        r##""Tags": {{"type": "array", {tag_items}, "maxItems": {MAX_TAGS}}}"##
                    ),
                ),
                (OPENAPI, format!(r##""null"], {tag_items}, "maxItems": {MAX_TAGS}}}"##)),
                (PROJECTS, format!("before their own. At most {MAX_TAGS}.")),
            ],
        ),
        ("MAX_TAG_BYTES", vec![(HTTP_PAGE, format!("a tag 1 to {MAX_TAG_BYTES} bytes"))]),
        (
            "MAX_SPIDER_NAME_BYTES",
            vec![
                (HTTP_PAGE, format!("A spider name is 1 to {MAX_SPIDER_NAME_BYTES} bytes")),
                (JOB, format!("Its name: 1 to {MAX_SPIDER_NAME_BYTES} bytes of UTF-8")),
            ],
        ),
        (
            "MAX_OWNER_NAME_BYTES",
            vec![(API_KEYS, format!("1 to {MAX_OWNER_NAME_BYTES} bytes of UTF-8"))],
        ),
        (
            "MAX_FIELD_NAME_BYTES",
            vec![
                (HTTP_PAGE, format!("a field name 1 to {MAX_FIELD_NAME_BYTES} bytes")),
                (JOB, format!("Names: 1 to {MAX_FIELD_NAME_BYTES} bytes")),
            ],
        ),
    ]
}

fn of_metadata() -> Vec<Row> {
    let metadata = bytes_text(MAX_METADATA_BYTES);
    vec![
        (
            "MAX_METADATA_BYTES",
            vec![
                (README, format!("{metadata} of metadata a job")),
                (HTTP_PAGE, format!("A job's metadata are at most {metadata}, names")),
                (HTTP_PAGE, format!("Project settings are free-form, at most {metadata}")),
                (JOBS, format!("at most {metadata} in all, names and values")),
                (PROJECTS, format!("more than {metadata} in all")),
            ],
        ),
        (
            "MAX_JSON_DEPTH",
            vec![
                (README, format!("JSON nested {MAX_JSON_DEPTH} deep")),
                (HTTP_PAGE, format!("JSON may be nested {MAX_JSON_DEPTH} deep")),
            ],
        ),
        (
            "MAX_UNIQUE_BYTES",
            vec![
                (HTTP_PAGE, format!("`unique` (1 to {} bytes;", n(MAX_UNIQUE_BYTES))),
                (JOB, format!("1 to {} bytes; empty: none.", n(MAX_UNIQUE_BYTES))),
            ],
        ),
        (
            "MAX_NUMBER",
            vec![(
                HTTP_PAGE,
                format!("positive integer below 2^{}", (MAX_NUMBER + 1).trailing_zeros()),
            )],
        ),
    ]
}

fn of_priority_and_units() -> Vec<Row> {
    vec![
        (
            "MAX_PRIORITY",
            vec![
                (QUEUE, format!("0 to {MAX_PRIORITY}.")),
                (JOB, format!("0 (lowest) to {MAX_PRIORITY} (highest);")),
                (JOB, format!("Any of these priorities, 0 to {MAX_PRIORITY}.")),
            ],
        ),
        (
            "DEFAULT_PRIORITY",
            vec![
                (JOB, format!("(highest); default {DEFAULT_PRIORITY}.")),
                (HTTP_PAGE, format!("`priority` {DEFAULT_PRIORITY}, and")),
            ],
        ),
        (
            "MAX_UNITS",
            vec![
                (QUEUE, format!("1 to {MAX_UNITS}.")),
                (QUEUE, format!("at most so many units, 1 to {MAX_UNITS}. 0: any.")),
            ],
        ),
        (
            "DEFAULT_UNITS",
            vec![
                (JOB, format!("1 to {MAX_UNITS}; default {DEFAULT_UNITS}.")),
                (HTTP_PAGE, format!("`units` {DEFAULT_UNITS}, `priority`")),
            ],
        ),
    ]
}

fn of_a_call() -> Vec<Row> {
    let items = n(MAX_ITEMS);
    vec![
        (
            "MAX_ITEMS",
            vec![
                (README, format!("{items} keys a call")),
                (LIMITS_PAGE, format!("bytes; {items} | 400, 413;")),
                (HTTP_PAGE, format!("`job` (repeatable, at most {items})")),
                (HTTP_PAGE, format!("of either kind and {items} keys")),
                (OPENAPI, format!(r#""minItems": 1, "maxItems": {MAX_ITEMS} }}"#)),
                (JOB, format!("Just these jobs, all of one project. At most {items}.")),
                (JOBS, format!("alone, up to {items} jobs are changed")),
                (QUEUE, format!("Adds up to {items} jobs")),
                (QUEUE, format!("Moves up to {items} jobs")),
                (QUEUE, format!("1 to {items}, all of the project.")),
                (PROJECTS, format!("At most {items}. Empty: all")),
            ],
        ),
        (
            "MAX_BATCH",
            vec![
                (HTTP_PAGE, format!("(Above {MAX_BATCH} keys that")),
                (ARCHITECTURE, format!("No step touches more than about {MAX_BATCH} jobs")),
                ("docs/development.md", format!("writes more than about {MAX_BATCH} jobs")),
                ("docs/retention.md", format!("in atomic steps of {MAX_BATCH}")),
                ("docs/redis.md", format!("No script changes more than {MAX_BATCH} jobs")),
            ],
        ),
        (
            "MAX_FILTER_NAMES",
            vec![
                (HTTP_PAGE, format!("at most {MAX_FILTER_NAMES} spiders,")),
                (HTTP_PAGE, format!("{MAX_FILTER_NAMES} tags of either kind")),
                (HTTP_PAGE, format!("`jobmeta` (repeatable, at most {MAX_FILTER_NAMES})")),
                (JOB, format!("Any of these spiders. At most {MAX_FILTER_NAMES}.")),
                (JOB, format!("Any of these tags. At most {MAX_FILTER_NAMES}.")),
                (JOB, format!("All of these tags. At most {MAX_FILTER_NAMES}.")),
                (JOB, format!("these close reasons. At most {MAX_FILTER_NAMES}.")),
                (JOB, format!("just these values. At most {MAX_FILTER_NAMES}.")),
                (JOB, format!("None of these tags. At most {MAX_FILTER_NAMES}.")),
                (OPENAPI, format!(r#"/SpiderName"}}, "maxItems": {MAX_FILTER_NAMES}}}"#)),
                (OPENAPI, format!(r#"/Tag"}}, "maxItems": {MAX_FILTER_NAMES}}}"#)),
                (OPENAPI, format!(r#"/FieldName"}}, "maxItems": {MAX_FILTER_NAMES}}}"#)),
            ],
        ),
    ]
}

fn of_bulk_calls_and_errors() -> Vec<Row> {
    vec![
        (
            "MAX_BULK_JOBS",
            vec![
                (JOBS, format!("a call changes up to {} jobs", n(MAX_BULK_JOBS))),
                (LIMITS_PAGE, format!("changes by filter | {} |", n(MAX_BULK_JOBS))),
                (HTTP_PAGE, format!("up to {} jobs a", n(MAX_BULK_JOBS))),
            ],
        ),
        (
            "MAX_VIOLATIONS",
            vec![
                (LIMITS_PAGE, format!("| wrong fields that one error names | {MAX_VIOLATIONS} |")),
                (HTTP_PAGE, format!("names the wrong fields, up to {MAX_VIOLATIONS},")),
            ],
        ),
    ]
}

fn of_requests() -> Vec<Row> {
    vec![
        (
            "MAX_REQUEST_ID_BYTES",
            vec![
                (HTTP_PAGE, format!("`Idempotency-Key: ID` (1 to {MAX_REQUEST_ID_BYTES} ")),
                (JOBS, format!("1 to {MAX_REQUEST_ID_BYTES} bytes; empty: none.")),
            ],
        ),
        ("REQUEST_ID_TTL_MS", {
            let hours = REQUEST_ID_TTL_MS / 3_600_000;
            vec![
                (README, format!("gets the same answer for {hours} hours")),
                (HTTP_PAGE, format!("safe to repeat for {hours} hours")),
                (JOBS, format!("within {hours} hours")),
                (ARCHITECTURE, format!("kept for {hours} h together")),
            ]
        }),
        (
            "MIN_COMPRESSED_BYTES",
            vec![(HTTP_PAGE, format!("of less than {}", bytes_text(MIN_COMPRESSED_BYTES)))],
        ),
        (
            "MAX_PUBLIC_REQUEST_BYTES",
            vec![(
                LIMITS_PAGE,
                format!("of health and reflection {}", bytes_text(MAX_PUBLIC_REQUEST_BYTES)),
            )],
        ),
        (
            "MAX_RESPONSE_BYTES",
            vec![(
                LIMITS_PAGE,
                format!("| gRPC response message | {} |", bytes_text(MAX_RESPONSE_BYTES)),
            )],
        ),
        (
            "DEFAULT_HTTP_TIMEOUT",
            vec![(
                LIMITS_PAGE,
                format!("| {} s after the request's last byte |", seconds(DEFAULT_HTTP_TIMEOUT)),
            )],
        ),
        (
            "MAX_LOG_REQUEST_ID_BYTES",
            vec![(
                HTTP_PAGE,
                format!("(1 to {MAX_LOG_REQUEST_ID_BYTES} visible ASCII characters;"),
            )],
        ),
        ("MAX_BODY_LINES", vec![(README, format!("{} lines a body", n(MAX_BODY_LINES)))]),
    ]
}

fn of_lists() -> Vec<Row> {
    let (rows, summary_rows) = (n(MAX_ROWS), n(MAX_SUMMARY_ROWS));
    let (page, pages) = (n(DEFAULT_PAGE_SIZE), n(MAX_PAGE_SIZE));
    let queue = n(DEFAULT_QUEUE_COUNT);
    let oldest = n(MAX_CANCEL_OLDEST);
    vec![
        ("DEFAULT_PAGE_SIZE", vec![(JOBS, format!("Default {page}; above"))]),
        ("MAX_PAGE_SIZE", vec![(JOBS, format!("above {pages} it is {pages}."))]),
        (
            "MAX_PROJECTS_PAGE",
            vec![(PROJECTS, format!("Default {}, which is also", n(MAX_PROJECTS_PAGE)))],
        ),
        (
            "DEFAULT_QUEUE_COUNT",
            vec![
                (QUEUE, format!("Most jobs to answer. 0: {queue}.")),
                (HTTP_PAGE, format!("and `count` (default {queue}), `start` (rows")),
            ],
        ),
        ("DEFAULT_HTTP_COUNT", {
            let count = n(DEFAULT_HTTP_COUNT);
            vec![
                (HTTP_PAGE, format!("`count` (default {count} **(ours)**), `offset`")),
                (HTTP_PAGE, format!("`startafter`, `count` (default {count})")),
            ]
        }),
        (
            "MAX_ROWS",
            vec![
                (QUEUE, format!("Default {rows}, which is also the most.")),
                (PROJECTS, format!("Default {rows}, which is also the most.")),
                (API_KEYS, format!("Default {rows}, which is also the most.")),
            ],
        ),
        (
            "DEFAULT_SUMMARY_ROWS",
            vec![(
                HTTP_PAGE,
                format!("`count` (default {DEFAULT_SUMMARY_ROWS}, at most {summary_rows})"),
            )],
        ),
        (
            "MAX_SUMMARY_ROWS",
            vec![(
                QUEUE,
                format!("each state: 0 to {summary_rows}; default {DEFAULT_SUMMARY_ROWS}."),
            )],
        ),
        (
            "MAX_CANCEL_OLDEST",
            vec![
                (QUEUE, format!("Needs the role admin. 1 to {oldest}.")),
                (HTTP_PAGE, format!("the N oldest pending jobs, up to {oldest},")),
            ],
        ),
    ]
}

fn of_watches_and_access() -> Vec<Row> {
    let read = seconds(WATCH_READ_TIMEOUT);
    let buffer = bytes_text(usize::try_from(MAX_WATCH_BUFFER_BYTES).unwrap());
    vec![
        ("MAX_EVENTS", vec![(JOBS, format!("last {} events of a project", n(MAX_EVENTS)))]),
        (
            "MAX_WATCH_BUFFER_BYTES",
            vec![(LIMITS_PAGE, format!("{read} s, with {buffer} waiting for it"))],
        ),
        ("WATCH_READ_TIMEOUT", vec![(JOBS, format!("takes no event for {read} s"))]),
        (
            "RECHECK_INTERVAL",
            vec![(
                "docs/access.md",
                format!("otherwise at most {} s after", seconds(RECHECK_INTERVAL)),
            )],
        ),
        (
            "NOTIFICATION_TIMEOUT",
            vec![(LIMITS_PAGE, format!("otherwise every {} s", seconds(NOTIFICATION_TIMEOUT)))],
        ),
        ("API_KEY_TTL_STORE_AWAY_MS", {
            assert_eq!(API_KEY_TTL_STORE_AWAY_MS, 60_000);
            vec![("docs/redis.md", "has seen within a minute stay valid".to_owned())]
        }),
        (
            "MIN_TOKEN_SECRET_BYTES",
            vec![("cli/src/args/serve.rs", format!("at least {MIN_TOKEN_SECRET_BYTES} bytes"))],
        ),
    ]
}

pub(crate) fn rows() -> Vec<Row> {
    let parts = [
        of_a_job(),
        of_metadata(),
        of_priority_and_units(),
        of_a_call(),
        of_bulk_calls_and_errors(),
        of_requests(),
        memory::rows(),
        of_lists(),
        workers::rows(),
        quotas::rows(),
        rotation::rows(),
        of_watches_and_access(),
        audit::rows(),
        runners::rows(),
        sessions::rows(),
        watches::rows(),
        output::rows(),
    ];
    parts.into_iter().flatten().collect()
}
