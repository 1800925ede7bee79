//! A job as a store keeps it.

use super::{
    Actor, JobKey, Metadata, Millis, Position, Priority, SpiderName, State, StateSet, Tags, Units,
};

/// Bytes of memory that a job takes without tags and metadata.
pub const JOB_MEMORY: usize = 512;

/// Everything known of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Names the job in all calls.
    pub key: JobKey,
    /// Name of the spider whose number is in the key.
    pub spider: SpiderName,
    /// The state of the latest entry.
    pub state: State,
    /// Position of its entry into that state.
    pub position: Position,
    /// Pending jobs of higher priority are started first.
    pub priority: Priority,
    /// Its weight against `max_running_units`.
    pub units: Units,
    /// In the order in which they were added.
    pub tags: Tags,
    /// Entries into each state, by [`State::index`].
    pub entries: [Option<StateEntry>; 4],
    /// When it was last written, by whatever call.
    pub updated: Millis,
    /// The number of its latest attempt; 0 before the first.
    pub attempt: u32,
    /// When its lease ends; `None` without a lease.
    pub lease_expires: Option<Millis>,
    /// What its worker reported last.
    pub counters: Counters,
    /// All other fields, as far as the reading call selected them.
    pub metadata: Metadata,
}

impl Job {
    /// Its position in a list of jobs in `states`: that of its latest entry into one of them, or,
    /// if it was never in any, that of the state it is in. So a job that left those states after
    /// a reader saw it keeps its position; one that went from one of them to another has moved.
    #[must_use]
    pub fn position_among(&self, states: StateSet) -> Position {
        let entries = states.iter().filter_map(|state| self.entry(state));
        entries.map(|entry| entry.position).max().unwrap_or(self.position)
    }

    /// About the bytes of memory that it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len()).sum();
        JOB_MEMORY + tags + self.metadata.memory()
    }

    /// The entry into `state`, if it was ever made.
    #[must_use]
    pub const fn entry(&self, state: State) -> Option<&StateEntry> {
        self.entries[state.index()].as_ref()
    }
}

/// A job's entry into a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// Rises with each entry of the project; holds the time.
    pub position: Position,
    /// Who caused it.
    pub actor: Actor,
}

impl StateEntry {
    /// When it happened: `<state>_time` of the API.
    #[must_use]
    pub const fn time(&self) -> Millis {
        self.position.ts()
    }
}

/// What a worker reports of its crawl; `None` is unknown.
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
