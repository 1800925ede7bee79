//! Times, and positions in a project's order of state entries.

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Millis(pub u64);

/// Position of a job in its project's order of state entries: every entry into a state gets
/// `max(last + 1, now_ms * 2048)` inside the store's atomic step, so positions rise
/// strictly within a project, whatever the clocks of several servers say. Below 2^53
/// until the year 2109, and so exact as a Redis score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(pub u64);

impl Position {
    /// Positions in one millisecond.
    pub const PER_MS: u64 = 2048;

    /// The first position of a millisecond.
    #[must_use]
    pub const fn at(time: Millis) -> Self {
        Self(time.0.saturating_mul(Self::PER_MS))
    }

    /// The position after `last` for an entry made at `now`.
    #[must_use]
    pub fn after(last: Self, now: Millis) -> Self {
        Self(Self::at(now).0.max(last.0 + 1))
    }

    /// `ts` of the contract: the time of the state entry.
    #[must_use]
    pub const fn ts(self) -> Millis {
        Millis(self.0 / Self::PER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_rise_when_the_clock_stands_or_goes_back() {
        let first = Position::after(Position(0), Millis(1_000));
        let second = Position::after(first, Millis(1_000));
        let third = Position::after(second, Millis(900));
        assert_eq!([first.0, second.0, third.0], [2_048_000, 2_048_001, 2_048_002]);
        assert_eq!(third.ts(), Millis(1_000));
    }
}
