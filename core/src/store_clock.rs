//! The clock that all processes on one store share. Leases end by it: two servers whose own
//! clocks differ by minutes must agree on when. Between two readings of the store's clock it
//! follows the machine's monotonic one, so that setting a machine's clock changes nothing.
//!
//! The store reads its clock at some moment between question and answer. A quick answer says the
//! time to within half of what it took. A slow one says only between which bounds the time is: it
//! corrects an estimate that is outside of them, and no other.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{clock::Clock, error::Result, model::Millis, steady_clock::SteadyClock, store::Store};

/// Time between two readings of the store's clock.
const READ_INTERVAL: Duration = Duration::from_secs(5);
/// How long a reading may take to be better than the last estimate, ms.
const QUICK_READ_MS: u64 = 50;

/// A clock that follows the store's.
#[derive(Debug)]
pub struct StoreClock {
    from: Instant,
    /// The store's time at `from`, ms since the Unix epoch.
    offset: AtomicU64,
    /// The task that reads the store's clock; ends with this value.
    reader: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl StoreClock {
    /// The clock of `store`; for a store that has none one of this process, which nobody can set.
    /// An error when the store does not answer.
    pub async fn of(store: &Arc<dyn Store>) -> Result<Arc<dyn Clock>> {
        let from = Instant::now();
        let Some(first) = Reading::take(store, from).await? else {
            return Ok(Arc::new(SteadyClock::since(store.last_round().await?)));
        };
        let estimate = Estimate::of(first);
        let offset = AtomicU64::new(estimate.offset);
        let clock = Arc::new(Self { from, offset, reader: Mutex::default() });
        let task = tokio::spawn(follow(Arc::downgrade(&clock), Arc::clone(store), estimate));
        *clock.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(clock)
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Millis {
        Millis(self.offset.load(Ordering::Relaxed) + ms(self.from.elapsed()))
    }
}

impl Drop for StoreClock {
    fn drop(&mut self) {
        let task = self.reader.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// A reading of the store's clock.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// When it was asked for, ms on the clock of this process.
    asked: u64,
    /// What the store said, ms since the Unix epoch.
    time: u64,
    /// When the answer came, ms on the clock of this process.
    answered: u64,
}

impl Reading {
    /// `None` for a store without a clock.
    async fn take(store: &Arc<dyn Store>, from: Instant) -> Result<Option<Self>> {
        let asked = ms(from.elapsed());
        let time = store.clock().await?;
        let answered = ms(from.elapsed());
        Ok(time.map(|time| Self { asked, time: time.0, answered }))
    }

    const fn took(self) -> u64 {
        self.answered.saturating_sub(self.asked)
    }
}

/// What is known of the store's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Estimate {
    /// The store's time at 0 of this process's clock, ms since the Unix epoch.
    offset: u64,
    /// How long the reading took that says so, ms: it may be off by half of it.
    took: u64,
}

impl Estimate {
    /// The middle of the round trip is the best guess.
    const fn of(reading: Reading) -> Self {
        let Reading { asked, time, answered } = reading;
        Self { offset: time.saturating_sub(asked.midpoint(answered)), took: reading.took() }
    }

    /// The estimate after one more reading.
    fn after(self, reading: Reading) -> Self {
        if reading.took() <= self.took.max(QUICK_READ_MS) {
            return Self::of(reading);
        }
        let Reading { asked, time, answered } = reading;
        // The store tells whole milliseconds: it may be almost one later.
        let (least, most) = (time.saturating_sub(answered), (time + 1).saturating_sub(asked));
        if (least..=most).contains(&self.offset) {
            return self;
        }
        Self { offset: self.offset.clamp(least, most), took: reading.took() }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Reads the store's clock again and again; while the store is away, the last estimate counts.
async fn follow(clock: std::sync::Weak<StoreClock>, store: Arc<dyn Store>, mut estimate: Estimate) {
    let Some(from) = clock.upgrade().map(|clock| clock.from) else { return };
    let mut ticks = interval(READ_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reading = Reading::take(&store, from).await;
        let Some(clock) = clock.upgrade() else { return };
        match reading {
            Ok(Some(reading)) => {
                estimate = estimate.after(reading);
                clock.offset.store(estimate.offset, Ordering::Relaxed);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "store clock not read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The store's time at 0 of the process's clock.
    const OFFSET: u64 = 1_700_000_000_000;

    /// A reading that took from `asked` to `answered`, and that the store made at `read`.
    fn reading(asked: u64, read: u64, answered: u64) -> Reading {
        Reading { asked, time: OFFSET + read, answered }
    }

    #[test]
    fn a_quick_reading_is_taken_to_within_half_of_what_it_took() {
        let estimate = Estimate::of(reading(0, 1, 2));
        assert_eq!(estimate, Estimate { offset: OFFSET, took: 2 });
        // At the end of 50 ms: they pass for the middle.
        let estimate = estimate.after(reading(100, 150, 150));
        assert_eq!(estimate, Estimate { offset: OFFSET + 25, took: 50 });
        assert_eq!(estimate.after(reading(200, 202, 204)), Estimate { offset: OFFSET, took: 4 });
    }

    #[test]
    fn a_slow_reading_moves_no_estimate_that_it_does_not_disprove() {
        let estimate = Estimate::of(reading(0, 1, 2));
        // The way there was held up, or the way back: the middle would be 132 ms ahead, or behind.
        for read in [5_000, 5_132, 5_264] {
            assert_eq!(estimate.after(reading(5_000, read, 5_264)), estimate);
        }
        assert_eq!(estimate.after(reading(5_000, 5_051, 5_051)), estimate, "51 ms are slow");
        let held_up = reading(5_000, 9_900, 9_900);
        assert_eq!(estimate.after(held_up), estimate, "however slow");
    }

    #[test]
    fn a_slow_reading_of_a_clock_that_was_set_is_followed_to_its_nearest_bound() {
        let estimate = Estimate::of(reading(0, 1, 2));
        let hour = 3_600_000;
        let ahead = estimate.after(reading(5_000, hour + 5_200, 5_300));
        assert_eq!(ahead, Estimate { offset: OFFSET + hour - 100, took: 300 });
        let behind = estimate.after(Reading { asked: 5_000, time: OFFSET - hour, answered: 5_300 });
        assert_eq!(behind, Estimate { offset: OFFSET - hour - 5_000 + 1, took: 300 });
        // Until a reading says more, which one that is no slower does.
        let better = ahead.after(reading(6_000, hour + 6_100, 6_200));
        assert_eq!(better, Estimate { offset: OFFSET + hour, took: 200 });
    }

    #[test]
    fn a_slow_start_is_bettered_by_every_quicker_reading() {
        let first = Estimate::of(reading(0, 400, 400));
        assert_eq!(first, Estimate { offset: OFFSET + 200, took: 400 });
        let second = first.after(reading(500, 600, 600));
        assert_eq!(second, Estimate { offset: OFFSET + 50, took: 100 });
        let third = second.after(reading(700, 710, 720));
        assert_eq!(third, Estimate { offset: OFFSET, took: 20 });
    }
}
