//! What a server does without being asked: rounds of the reaper, in every process, a few a
//! second, and of the removal of old jobs, a few a minute.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use tokio::task::JoinHandle;

use crate::domain::{Pruner, Reaper};
use spiderq_core::error::{Error, Result};

/// Shortest and longest rest between two rounds, ms; by chance, so that processes do not go
/// in step.
const REST: (u64, u64) = (250, 500);
/// Longest rest while the store is away.
const LONGEST_REST: Duration = Duration::from_secs(4);

/// The work that goes on. Ends when this is dropped.
#[derive(Debug)]
pub struct Upkeep([JoinHandle<()>; 2]);

impl Upkeep {
    pub(crate) fn start(reaper: Reaper, pruner: Pruner) -> Self {
        Self([tokio::spawn(keep(reaper)), tokio::spawn(prune(pruner))])
    }

    /// Ends it, and returns when it has. A step of the store that is under way may still be
    /// done.
    pub async fn end(mut self) {
        for task in &mut self.0 {
            task.abort();
            // Broken off, as was asked for.
            let _ = task.await;
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

async fn keep(mut reaper: Reaper) {
    let mut log = Failures::of("the reaper");
    loop {
        pause(rest(log.failures)).await;
        log.tell(rounds(&mut reaper).await);
    }
}

async fn prune(mut pruner: Pruner) {
    let mut log = Failures::of("the removal of old jobs");
    let mut rest = Pruner::REST;
    loop {
        pause(jittered(rest)).await;
        let round = AssertUnwindSafe(pruner.round()).catch_unwind().await;
        let round = round.unwrap_or_else(|_| Err(Error::bug("a round panicked")));
        rest = *round.as_ref().unwrap_or(&Pruner::REST);
        log.tell(round.map(|_| ()));
    }
}

#[expect(clippy::disallowed_methods, reason = "rounds are paced by time, there is no event")]
async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Tells of rounds that fail, once for all that fail in a row.
struct Failures {
    of: &'static str,
    failures: u32,
}

impl Failures {
    const fn of(of: &'static str) -> Self {
        Self { of, failures: 0 }
    }

    fn tell(&mut self, round: Result<()>) {
        let of = self.of;
        match round {
            Ok(()) => {
                if self.failures > 0 {
                    tracing::info!("{of} goes on");
                }
                self.failures = 0;
            }
            Err(error) => {
                if self.failures == 0 {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "{of} can't go on");
                }
                self.failures += 1;
            }
        }
    }
}

/// Rounds while there is work for more.
async fn rounds(reaper: &mut Reaper) -> Result<()> {
    loop {
        let round = AssertUnwindSafe(reaper.round()).catch_unwind().await;
        match round {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(Error::bug("a round of the reaper panicked")),
        }
    }
}

/// Longer with each failure in a row.
fn rest(failures: u32) -> Duration {
    let (shortest, longest) = REST;
    let rest = Duration::from_millis(between(shortest, longest));
    rest.saturating_mul(1 << failures.min(4)).min(LONGEST_REST)
}

/// From half of it to all of it.
fn jittered(rest: Duration) -> Duration {
    let ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(between(ms / 2, ms))
}

/// A number by chance; the range is short.
fn between(lowest: u64, highest: u64) -> u64 {
    let mut chance = [0; 2];
    // Without chance, in step.
    let _ = getrandom::fill(&mut chance);
    lowest + u64::from(u16::from_le_bytes(chance)) % (highest - lowest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_short_until_rounds_fail() {
        let ms = |failures| rest(failures).as_millis();
        for _ in 0..100 {
            assert!((250..=500).contains(&ms(0)));
            assert!((500..=1_000).contains(&ms(1)));
            assert_eq!(ms(40), 4_000);
            assert!((30_000..=60_000).contains(&jittered(Duration::from_secs(60)).as_millis()));
        }
    }
}
