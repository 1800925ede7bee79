//! A job as it stands in the store.

use super::{
    Actor, JobKey, Metadata, Millis, Position, Priority, SpiderName, State, StateSet, Tags, Units,
};

/// Everything known of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its key.
    pub key: JobKey,
    /// Its spider's name.
    pub spider: SpiderName,
    /// Its state.
    pub state: State,
    /// Place of its entry into that state.
    pub position: Position,
    /// Its rank in the queue.
    pub priority: Priority,
    /// Its weight.
    pub units: Units,
    /// Its tags.
    pub tags: Tags,
    /// Entries into each state, by [`State::index`].
    pub entries: [Option<Entry>; 4],
    /// The last write, of whatever kind.
    pub updated: Millis,
    /// How many times it was started.
    pub attempt: u32,
    /// When its lease runs out; `None` without a lease.
    pub lease_expires: Option<Millis>,
    /// What its worker counted.
    pub counters: Counters,
    /// Every other field; which ones, the reading call says.
    pub metadata: Metadata,
}

impl Job {
    /// Its place in a list of jobs in `states`: of its latest entry into one of them, or, if
    /// it was never in any, of the state that it is in. So a job that left those states after
    /// a reader saw it keeps its place; one that went from one of them to another has moved.
    #[must_use]
    pub fn place_among(&self, states: StateSet) -> Position {
        let entries = states.iter().filter_map(|state| self.entry(state));
        let places = entries.map(|entry| entry.position);
        places.max().unwrap_or(self.position)
    }

    /// The entry into `state`, if it was ever made.
    #[must_use]
    pub const fn entry(&self, state: State) -> Option<&Entry> {
        self.entries[state.index()].as_ref()
    }
}

/// An entry into a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the project's order.
    pub position: Position,
    /// Who made it.
    pub actor: Actor,
}

impl Entry {
    /// When it was made: `<state>_time` of the contract.
    #[must_use]
    pub const fn time(&self) -> Millis {
        self.position.ts()
    }
}

/// What a worker counted; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Items scraped.
    pub items: Option<u64>,
    /// Responses received.
    pub pages: Option<u64>,
    /// Log lines.
    pub logs: Option<u64>,
    /// Log lines of level ERROR and above.
    pub errors: Option<u64>,
}

impl Counters {
    /// These, and where unknown those of `older`.
    #[must_use]
    pub fn or(self, older: Self) -> Self {
        Self {
            items: self.items.or(older.items),
            pages: self.pages.or(older.pages),
            logs: self.logs.or(older.logs),
            errors: self.errors.or(older.errors),
        }
    }
}
