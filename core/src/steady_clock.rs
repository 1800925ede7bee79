//! The clock of a store of one process: it begins at the machine's time of day and goes on by the
//! time that the machine is on. Leases end by it, so that setting the machine's clock ends none and
//! lengthens none. It comes back to the time of day slowly.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    clock::{Clock, SystemClock},
    model::Millis,
    uptime::uptime,
};

/// It goes faster or slower by one part in so many, until it shows the time of day again: a lease
/// of 30 s is off by less than half a second.
const CORRECTION: u64 = 100;
/// The furthest that a start goes on from a time before it that the machine's clock has not
/// reached, ms. Beyond it the clock was wrong then: nobody waits for days.
const MAX_AHEAD_MS: u64 = 24 * 3_600_000;
/// A difference from the time of day that is worth a word in the log.
const NOTABLE: Duration = Duration::from_secs(10);

const NANOS_PER_MS: u64 = 1_000_000;

/// A clock that nobody can set.
#[derive(Debug)]
pub(crate) struct SteadyClock(Mutex<Reading>);

/// What it showed when, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    uptime: u64,
    /// Since the Unix epoch.
    time: u64,
    /// The log has the present difference from the time of day.
    noted: bool,
}

impl SteadyClock {
    /// Begins at the time of day; or at `last`, a time that the store has seen, if that is later:
    /// leases of before a restart must not become longer because the machine's clock was set back.
    pub(crate) fn since(last: Option<Millis>) -> Self {
        let time = beginning(SystemClock.now(), last);
        let reading = Reading {
            uptime: nanos(uptime()),
            time: time.0.saturating_mul(NANOS_PER_MS),
            noted: false,
        };
        Self(Mutex::new(reading))
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Millis {
        let time_of_day = SystemClock.now().0.saturating_mul(NANOS_PER_MS);
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *reading = reading.after(nanos(uptime()), time_of_day);
        let apart = Duration::from_nanos(reading.time.abs_diff(time_of_day));
        if (apart >= NOTABLE) != reading.noted {
            reading.noted = apart >= NOTABLE;
            note(reading.noted, apart);
        }
        Millis(reading.time / NANOS_PER_MS)
    }
}

impl Reading {
    /// What it shows later, drawn to the time of day.
    fn after(self, uptime: u64, time_of_day: u64) -> Self {
        let passed = uptime.saturating_sub(self.uptime);
        let time = self.time.saturating_add(passed);
        let most = passed / CORRECTION;
        let time = time_of_day.clamp(time.saturating_sub(most), time.saturating_add(most));
        Self { uptime: uptime.max(self.uptime), time, ..self }
    }
}

fn beginning(time_of_day: Millis, last: Option<Millis>) -> Millis {
    let Some(last) = last.filter(|last| *last > time_of_day) else {
        return time_of_day;
    };
    let ahead_ms = last.0 - time_of_day.0;
    if ahead_ms > MAX_AHEAD_MS {
        tracing::warn!(ahead_ms, "the machine's clock was set back by more than a day: it counts");
        return time_of_day;
    }
    last
}

fn note(differs: bool, apart: Duration) {
    if differs {
        tracing::warn!(
            ?apart,
            "the machine's clock was set: leases go on as they were, and times come back to the \
             machine's by 36 s an hour"
        );
    } else {
        tracing::info!("times are those of the machine's clock again");
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3_600 * SECOND;

    fn at(time: u64) -> Reading {
        Reading { uptime: 5 * SECOND, time, noted: false }
    }

    #[test]
    fn a_jump_of_the_time_of_day_moves_it_by_a_hundredth_of_what_passes() {
        let start = at(1_000 * HOUR);
        let later = |time_of_day| start.after(35 * SECOND, time_of_day).time - start.time;
        assert_eq!(later(1_000 * HOUR + 30 * SECOND), 30 * SECOND);
        assert_eq!(later(1_001 * HOUR), 30 * SECOND + 300_000_000);
        assert_eq!(later(999 * HOUR), 30 * SECOND - 300_000_000);
        assert_eq!(later(0), 30 * SECOND - 300_000_000);
    }

    #[test]
    fn it_shows_the_time_of_day_again_after_a_while_and_never_goes_back() {
        let (mut reading, mut steps) = (at(1_000 * HOUR), 0);
        let set_back = 999 * HOUR;
        loop {
            steps += 1;
            let time_of_day = set_back + steps * SECOND;
            let next = reading.after(5 * SECOND + steps * SECOND, time_of_day);
            assert!(next.time > reading.time);
            reading = next;
            if reading.time == time_of_day {
                break;
            }
        }
        assert_eq!(steps, 100 * 3_600);
    }

    #[test]
    fn a_start_goes_on_from_a_time_that_the_store_has_seen() {
        let (now, day) = (Millis(50 * 3_600_000), 24 * 3_600_000);
        let begins = |last: Option<u64>| beginning(now, last.map(Millis)).0;
        assert_eq!(begins(None), now.0);
        assert_eq!(begins(Some(now.0 - 1)), now.0);
        assert_eq!(begins(Some(now.0 + day)), now.0 + day);
        assert_eq!(begins(Some(now.0 + day + 1)), now.0);
    }

    #[test]
    fn it_begins_at_the_time_of_day() {
        let clock = SteadyClock::since(None);
        assert!(clock.now().0.abs_diff(SystemClock.now().0) < 60_000);
    }
}
