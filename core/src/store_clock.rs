//! The clock that all processes on one store share. Leases end by it: two servers whose own
//! clocks are minutes apart must agree on when. Between two looks at the store's clock it goes
//! by the machine's steady one, so that setting a machine's clock moves nothing.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    clock::{Clock, SystemClock},
    error::Result,
    model::Millis,
    store::Store,
};

/// How often the store's clock is looked at.
const EVERY: Duration = Duration::from_secs(5);
/// A look that takes longer says too little.
const LONGEST: Duration = Duration::from_millis(500);

/// Follows a store's clock.
#[derive(Debug)]
pub struct StoreClock {
    from: Instant,
    /// The store's time at `from`, ms since the Unix epoch.
    offset: AtomicU64,
    /// Ends the looking with the clock.
    looking: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl StoreClock {
    /// The clock of `store`; the machine's for a store that has none. Fails when the store
    /// does not answer.
    pub async fn of(store: &Arc<dyn Store>) -> Result<Arc<dyn Clock>> {
        let from = Instant::now();
        let Some(first) = store.clock().await? else {
            return Ok(Arc::new(SystemClock));
        };
        let clock =
            Arc::new(Self { from, offset: AtomicU64::new(first.0), looking: Mutex::default() });
        let looking = look(Arc::downgrade(&clock), Arc::clone(store));
        let mut task = clock.looking.lock().unwrap_or_else(PoisonError::into_inner);
        *task = Some(tokio::spawn(looking));
        drop(task);
        Ok(clock)
    }

    fn set(&self, asked: Instant, told: Millis, answered: Instant) {
        let middle = asked + (answered - asked) / 2;
        self.offset.store(told.0.saturating_sub(ms(middle - self.from)), Ordering::Relaxed);
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Millis {
        Millis(self.offset.load(Ordering::Relaxed) + ms(self.from.elapsed()))
    }
}

impl Drop for StoreClock {
    fn drop(&mut self) {
        let task = self.looking.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Looks at the store's clock again and again; while the store is away, the last look counts.
async fn look(clock: std::sync::Weak<StoreClock>, store: Arc<dyn Store>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        let told = store.clock().await;
        let answered = Instant::now();
        let Some(clock) = clock.upgrade() else { return };
        match told {
            Ok(Some(told)) if answered - asked <= LONGEST => clock.set(asked, told, answered),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the store's clock could not be read"),
        }
    }
}
