//! What a server does without being asked: rounds of the reaper, in every process, a few a
//! second.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::{
    domain::Reaper,
    error::{Error, Result},
};

/// Shortest and longest rest between two rounds, ms; by chance, so that processes do not go
/// in step.
const REST: (u64, u64) = (250, 500);
/// Longest rest while the store is away.
const LONGEST_REST: Duration = Duration::from_secs(4);

/// The work that goes on. Ends when this is dropped.
#[derive(Debug)]
pub struct Upkeep(JoinHandle<()>);

impl Upkeep {
    pub(crate) fn start(reaper: Reaper) -> Self {
        Self(tokio::spawn(keep(reaper)))
    }

    /// Ends it, and returns when it has. A step of the store that is under way may still be
    /// done.
    pub async fn end(mut self) {
        self.0.abort();
        // Broken off, as was asked for.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep(mut reaper: Reaper) {
    let mut failures = 0;
    loop {
        sleep_until(Instant::now() + rest(failures)).await;
        match rounds(&mut reaper).await {
            Ok(()) => {
                if failures > 0 {
                    tracing::info!("the reaper goes on");
                }
                failures = 0;
            }
            Err(error) => {
                // Once for all that fails in a row.
                if failures == 0 {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "the reaper can't go on");
                }
                failures += 1;
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
    let mut chance = [0; 2];
    // Without chance, in step.
    let _ = getrandom::fill(&mut chance);
    let (shortest, longest) = REST;
    let chance = u64::from(u16::from_le_bytes(chance)) % (longest - shortest + 1);
    let rest = Duration::from_millis(shortest + chance);
    rest.saturating_mul(1 << failures.min(4)).min(LONGEST_REST)
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
        }
    }
}
