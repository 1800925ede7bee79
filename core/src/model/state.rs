//! States of a job and the one table of legal moves between them (`docs/contract.md`, 1).

use std::cmp::Ordering;

use crate::error::{Error, Result};

/// Where a job stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Waits in the queue.
    Pending,
    /// A worker holds it.
    Running,
    /// Done.
    Finished,
    /// Hidden from lists unless asked for.
    Deleted,
}

/// What a request for a state means to a job in another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The job is in that state: the request succeeds and changes nothing.
    Nothing,
    /// The job enters that state.
    Enter,
    /// The job was deleted and is to be finished again, as it was before.
    Restore,
    /// That state is an earlier one.
    Refused,
}

impl State {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Finished, Self::Deleted];

    /// The table of legal moves: forward, with steps skipped at will, and back from deleted to
    /// finished. The way back from running to pending, by the reaper or by a worker that gives its
    /// job back, is not asked for through here.
    #[must_use]
    pub fn move_to(self, to: Self) -> Move {
        match (self.cmp(&to), self, to) {
            (Ordering::Less, ..) => Move::Enter,
            (Ordering::Equal, ..) => Move::Nothing,
            (Ordering::Greater, Self::Deleted, Self::Finished) => Move::Restore,
            (Ordering::Greater, ..) => Move::Refused,
        }
    }

    /// By its name in the contract.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::invalid("state", "must be pending, running, finished or deleted"))
    }

    /// Its name in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Deleted => "deleted",
        }
    }

    /// 0 to 3, in the order of a life.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A set of states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateSet([bool; 4]);

impl StateSet {
    /// Every state but deleted: the default of lists.
    pub const NOT_DELETED: Self = Self([true, true, true, false]);
    /// Every state.
    pub const ALL: Self = Self([true; 4]);

    /// Whether `state` is in it.
    #[must_use]
    pub const fn contains(self, state: State) -> bool {
        self.0[state.index()]
    }

    /// The states that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.iter().filter(|state| other.contains(*state)).collect()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Its states, in the order of a life.
    pub fn iter(self) -> impl Iterator<Item = State> {
        State::ALL.into_iter().filter(move |state| self.contains(*state))
    }
}

impl FromIterator<State> for StateSet {
    fn from_iter<I: IntoIterator<Item = State>>(states: I) -> Self {
        let mut set = Self::default();
        for state in states {
            set.0[state.index()] = true;
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_go_forward_and_may_skip_and_a_deleted_job_may_be_restored() {
        use Move::{Enter, Nothing, Refused, Restore};
        let table = State::ALL.map(|from| State::ALL.map(|to| from.move_to(to)));
        assert_eq!(
            table,
            [
                [Nothing, Enter, Enter, Enter],
                [Refused, Nothing, Enter, Enter],
                [Refused, Refused, Nothing, Enter],
                [Refused, Refused, Restore, Nothing],
            ]
        );
    }
}
