//! README, the pages in `docs/` and the comments of the API state the limits and defaults of
//! `core/src/limits.rs` as they are. Reads files, runs nothing.
#![allow(clippy::unwrap_used, reason = "a file that cannot be read ends the test")]

mod rows;

use std::{fs, path::Path};

use rows::{LIMITS_PAGE, of_connections, rows};

/// Limits that no page states: they are about what only a developer meets.
const UNSTATED: [&str; 6] = [
    "MAX_RUNNING_SETTING",
    "MAX_ATTEMPTS_SETTING",
    "MAX_CANCEL_TIMEOUT_S",
    "EVENTS_TTL",
    "API_KEY_TTL_MS",
    "MAX_CACHED_API_KEYS",
];

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(path)).unwrap()
}

/// A file in one line, without what begins the lines of a comment.
fn prose(path: &str) -> String {
    let text = read(path);
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches('/'));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[test]
fn pages_and_comments_state_the_limits_as_they_are() {
    let lacks = |path: &str, text: &String| !prose(path).contains(text);
    let connections = of_connections().into_iter().filter(|text| lacks(LIMITS_PAGE, text));
    let mut wrong: Vec<String> = connections.collect();
    for (limit, places) in rows() {
        let missing = places.iter().filter(|(path, text)| lacks(path, text));
        wrong.extend(missing.map(|(path, text)| format!("{limit}: {path} lacks {text:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_limit_has_a_row() {
    let text = read("core/src/limits.rs");
    let limits = text.lines().filter_map(|line| line.strip_prefix("pub const "));
    let mut limits: Vec<&str> = limits.filter_map(|line| line.split(':').next()).collect();
    let rows = rows();
    let mut known: Vec<&str> = rows.iter().map(|(limit, _)| *limit).chain(UNSTATED).collect();
    limits.sort_unstable();
    known.sort_unstable();
    assert_eq!(known, limits);
}
