//! What scripts answer, always as MessagePack: an outcome is a word, or a map from the word to what
//! goes with it. A word that is not listed here is a [`bad_reply`](crate::error::bad_reply).

use serde::Deserialize;
use spiderq_core::model::State;

use crate::{large::Bytes, limits::LimitWord};

/// A state by its [`State::index`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "usize")]
pub(crate) struct StoredState(pub(crate) State);

impl TryFrom<usize> for StoredState {
    type Error = String;

    fn try_from(index: usize) -> Result<Self, String> {
        State::ALL.get(index).copied().map(Self).ok_or_else(|| format!("state {index}"))
    }
}

/// Of a script that either does all or nothing.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Applied,
    Refused,
}

/// Of the removal of an API key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RemoveApiKey {
    Removed,
    Missing,
    LastAdmin,
}

/// Of the replacement of an API key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReplaceApiKey {
    Replaced,
    Missing,
    /// The id of the one in its place.
    ReplacedBefore(String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Push {
    /// The job as `SPIDER/JOB`, its position, when it was added, and its tags, one a line.
    Added(String, String, String, String),
    /// The active job that holds the unique key, as `SPIDER/JOB`.
    Duplicate(String),
    TooManyTags,
    AtLimit(LimitWord),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Claim {
    /// The job as `SPIDER/JOB`, its core hash and its large metadata.
    Claimed(String, Vec<Bytes>, Vec<Bytes>),
    /// The job as `SPIDER/JOB`, which was taken under this request id and is held no longer.
    Stale(String),
    /// Many jobs were passed over: the lane and the position to go on from.
    More(u8, String),
    None,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Missing,
    Refused(StoredState),
    Stale,
    NotHeld,
    WrittenSince,
    TooManyTags,
    TooLarge,
    AtLimit(LimitWord),
    Kept(StoredState),
    /// State before, attempt, whether the job is asked to stop, and when it was written.
    Applied(StoredState, u32, bool, u64),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purge {
    Missing,
    Purged,
    Refused(StoredState),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UpdateTags {
    /// The tags then, one a line.
    Applied(String),
    Missing,
    TooManyTags,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Events {
    /// Number and stamp of the last event read or given; and of each its number, stamp and text.
    Events((String, String), Vec<(String, String, String)>),
    Gone,
}
