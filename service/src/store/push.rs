//! What [`Store::push`](super::Store::push) takes and answers.

use super::{Limit, Start};
use crate::model::{
    Actor, Counters, JobKey, Metadata, Priority, SpiderName, State, Tags, UniqueKey, Units,
};

/// A job to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its spider; gets a number if it has none.
    pub spider: SpiderName,
    /// The state it begins in.
    pub state: State,
    /// Whether it also gets an entry into pending, at the same place by the same actor: it
    /// was scheduled, and begins further on. Otherwise its state's entry is the only one.
    pub scheduled: bool,
    /// Who adds it: actor of that entry.
    pub actor: Actor,
    /// Its rank.
    pub priority: Priority,
    /// Its weight.
    pub units: Units,
    /// Its tags.
    pub tags: Tags,
    /// Held while the job is pending or running; never held by a job that begins in a
    /// later state.
    pub unique: Option<UniqueKey>,
    /// What is known of its counters.
    pub counters: Counters,
    /// Its metadata.
    pub metadata: Metadata,
    /// For a job that begins running: its attempt then is 1, else 0.
    pub start: Option<Start>,
}

/// What became of a job to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It has this key.
    Added(JobKey),
    /// An active job holds its unique key; nothing was added and no number was taken, not
    /// even for the spider.
    Duplicate,
    /// It would begin running, and that is more than this allows; nothing was done either.
    AtLimit(Limit),
}
