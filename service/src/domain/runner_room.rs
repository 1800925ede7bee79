//! How many runners are kept. Those that are there stay until they end; those that are gone make
//! room for others. No owner of keys can take the room of all others.

use std::cmp::Reverse;

use super::runners::{ListedRunner, age};
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_RUNNERS, MAX_RUNNERS_BYTES, RUNNER_KEPT, bytes_text},
    model::{Millis, Runner, RunnerId},
};

/// A runner of so many bytes is kept however much the others take.
const SMALL_BYTES: usize = 4 << 10;

/// Runners, and what they take.
#[derive(Clone, Copy, Default)]
struct Room {
    runners: usize,
    bytes: usize,
}

impl Room {
    fn of<'a>(runners: impl IntoIterator<Item = &'a Runner>) -> Self {
        runners.into_iter().fold(Self::default(), |room, runner| Self {
            runners: room.runners + 1,
            bytes: room.bytes + runner.bytes(),
        })
    }
}

/// An error where `new` can't be kept beside those of `kept` that are there: its owner may have as
/// many as are then still free.
pub(super) fn check_room(kept: &[ListedRunner], new: &Runner) -> Result<()> {
    let there = || kept.iter().filter(|listed| listed.is_there()).map(|listed| &*listed.runner);
    let all = Room::of(there());
    let own = Room::of(there().filter(|runner| runner.owner == new.owner).chain([new]));
    if own.runners > MAX_RUNNERS.saturating_sub(all.runners) {
        let message = format!(
            "of this key's owner are at most as many as are free of {MAX_RUNNERS}; {} are there",
            all.runners
        );
        return Err(Error::too_large("runner", message).at(""));
    }
    let is_small = new.bytes() <= SMALL_BYTES;
    if !is_small && own.bytes > MAX_RUNNERS_BYTES.saturating_sub(all.bytes) {
        let message = format!(
            "of this key's owner take at most as much as is free of {}; register without the \
             names of spiders",
            bytes_text(MAX_RUNNERS_BYTES)
        );
        return Err(Error::too_large("spiders", message));
    }
    Ok(())
}

/// Those to forget: the ones that are gone for longer than [`RUNNER_KEPT`], and the longest gone
/// of too many.
pub(super) fn too_many(kept: &[ListedRunner], now: Millis) -> Vec<RunnerId> {
    let mut by_age: Vec<&ListedRunner> = kept.iter().collect();
    by_age.sort_by_key(|listed| (!listed.is_there(), Reverse(listed.status.reported)));
    let mut room = Room::default();
    let mut forgotten = Vec::new();
    for listed in by_age {
        let with = Room { runners: room.runners + 1, bytes: room.bytes + listed.runner.bytes() };
        let fits = with.runners <= MAX_RUNNERS && with.bytes <= MAX_RUNNERS_BYTES;
        if listed.is_there() || (fits && age(now, listed.status) <= RUNNER_KEPT) {
            room = with;
        } else {
            forgotten.push(listed.id.clone());
        }
    }
    forgotten
}
