//! Attacks on the real program, which may use 512 MiB of address space: floods of HTTP/2 frames,
//! bodies that cost more to read than to send, and lists of large jobs.
//! Beside each a well-behaved client must see no error, and resident memory must stay near what
//! it was. Short by default; `SPIDERQ_ATTACK_SECONDS` says how long each goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that cannot be done ends the test"
)]

mod bodies;
mod floods;
mod frames;
mod lists;
mod victim;
