//! The clock that all processes on one store share. Leases end by it: two servers whose own
//! clocks differ by minutes must agree on when. Between two readings of the store's clock it
//! follows the machine's monotonic one, so that setting a machine's clock changes nothing.

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
/// A reading that takes longer is too inexact to be used.
const MAX_READ_TIME: Duration = Duration::from_millis(500);

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
        let Some(first) = store.clock().await? else {
            return Ok(Arc::new(SteadyClock::since(store.last_round().await?)));
        };
        let clock =
            Arc::new(Self { from, offset: AtomicU64::new(first.0), reader: Mutex::default() });
        let task = tokio::spawn(follow(Arc::downgrade(&clock), Arc::clone(store)));
        *clock.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(clock)
    }

    /// The store read `time` somewhere between `asked` and `answered`; the middle is the best
    /// guess.
    fn set(&self, asked: Instant, time: Millis, answered: Instant) {
        let middle = asked + (answered - asked) / 2;
        self.offset.store(time.0.saturating_sub(ms(middle - self.from)), Ordering::Relaxed);
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

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Reads the store's clock again and again; while the store is away, the last reading counts.
async fn follow(clock: std::sync::Weak<StoreClock>, store: Arc<dyn Store>) {
    let mut ticks = interval(READ_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        let time = store.clock().await;
        let answered = Instant::now();
        let Some(clock) = clock.upgrade() else { return };
        match time {
            Ok(Some(time)) if answered - asked <= MAX_READ_TIME => clock.set(asked, time, answered),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "store clock not read"),
        }
    }
}
