//! README, the pages in `docs/` and the comments of the API state the limits and defaults of
//! `core/src/limits.rs` as they are. Reads files, runs nothing.
#![allow(clippy::unwrap_used, reason = "a file that cannot be read ends the test")]

mod audit;
mod memory;
mod output;
mod quotas;
mod rotation;
mod rows;
mod runners;
mod sessions;
mod watches;
mod workers;

use std::{fs, path::Path, time::Duration};

use spiderq_server::Limits;

use self::rows::{LIMITS_PAGE, UNSTATED, rows};

/// `1000000` as `1,000,000`.
fn n(number: impl TryInto<u64, Error: std::fmt::Debug>) -> String {
    let digits = number.try_into().unwrap().to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn seconds(time: Duration) -> String {
    assert_eq!(time.subsec_nanos(), 0, "whole seconds");
    n(time.as_secs())
}

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
    let mut wrong = Vec::new();
    for (limit, places) in rows() {
        let missing = places.iter().filter(|(path, text)| !prose(path).contains(text));
        wrong.extend(missing.map(|(path, text)| format!("{limit}: {path} lacks {text:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The limits of connections are the server's own.
#[test]
fn the_page_states_the_limits_of_connections_as_they_are() {
    let limits = Limits::default();
    let page = prose(LIMITS_PAGE);
    for text in [
        format!("| connections at a time | {} (`--max-", n(limits.max_connections)),
        format!(
            "| connections of one address | {} (`--max-",
            n(limits.max_connections_per_address)
        ),
        format!("| TLS handshake | {} s |", seconds(limits.handshake_timeout)),
        format!("with SETTINGS | {} s |", seconds(limits.handshake_timeout)),
        format!("| head of an HTTP/1 request | {} s from", seconds(limits.head_timeout)),
        format!("| streams on a connection | {} |", limits.max_streams),
        format!(
            "| a request's body | {} s for each KiB, {} s for the whole",
            seconds(limits.body_timeout),
            seconds(limits.whole_body_timeout)
        ),
        format!("takes nothing of a response | {} s |", seconds(limits.write_timeout)),
        format!("| no request under way | {} s (`--idle`)", seconds(limits.idle_timeout)),
        format!("have come, {} s if", seconds(limits.unauthenticated_idle_timeout)),
        format!("Watch of health, reflection | {} s |", seconds(limits.public_stream_timeout)),
    ] {
        assert!(page.contains(&text), "{text}");
    }
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
