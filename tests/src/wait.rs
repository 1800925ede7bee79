//! Waiting for what is about to happen, and how late a busy machine is. No test waits for a
//! fixed time: it looks until it finds, and fails after [`TIMEOUT`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, interval, timeout},
};

/// Whatever takes longer never comes. Far beyond what anything takes on a busy machine: only a
/// test that fails waits so long.
pub const TIMEOUT: Duration = Duration::from_secs(180);
/// Between two looks, and between two ticks that are measured.
const PERIOD: Duration = Duration::from_millis(20);

/// What `look` finds, as soon as it finds anything. Fails the test with `complaint` after
/// [`TIMEOUT`].
pub async fn eventually<T>(complaint: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut looks = interval(PERIOD);
        loop {
            looks.tick().await;
            if let Some(found) = look().await {
                break found;
            }
        }
    };
    let found = timeout(TIMEOUT, looking).await;
    found.unwrap_or_else(|_| panic!("{complaint}"))
}

/// Measures how late this machine runs what is due. A test that bounds a time from above allows
/// so much more.
#[derive(Debug)]
pub struct Lateness {
    /// µs.
    longest: Arc<AtomicU64>,
    ticks: JoinHandle<()>,
}

impl Lateness {
    /// A step of a server takes a few turns of its threads and of its store's, each of which
    /// may be late.
    const TURNS: u32 = 10;

    /// Measures from now on.
    #[must_use]
    pub fn measure() -> Self {
        let longest = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&longest);
        let ticks = tokio::spawn(async move {
            loop {
                let due = Instant::now() + PERIOD;
                tokio::time::interval_at(due, PERIOD).tick().await;
                let late = due.elapsed().as_micros();
                seen.fetch_max(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Self { longest, ticks }
    }

    /// What a promise of time may have been exceeded by so far.
    #[must_use]
    pub fn allowance(&self) -> Duration {
        Duration::from_micros(self.longest.load(Ordering::Relaxed)) * Self::TURNS
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.ticks.abort();
    }
}
