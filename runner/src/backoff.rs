//! The pause before a failed call is tried again. Every retry of this crate waits here.

use std::time::Duration;

use tokio::time::sleep;

const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Starts at 250 ms and doubles up to 5 s. A pause lasts from half of that to all of it, so that
/// the runners of a server that restarts do not come back all at once.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST_BACKOFF)
    }
}

impl Backoff {
    pub(crate) async fn wait(&mut self) {
        sleep(self.next()).await;
    }

    /// After a success: the next pause is the shortest again.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    fn next(&mut self) -> Duration {
        let longest = self.0;
        self.0 = (longest * 2).min(MAX_BACKOFF);
        // Without a source of randomness the pause is the longest, which does no harm.
        let random = getrandom::u32().unwrap_or(u32::MAX);
        longest.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_maximum_and_start_again_after_a_success() {
        let mut backoff = Backoff::default();
        for longest in [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000] {
            let longest = Duration::from_millis(longest);
            let pause = backoff.next();
            assert!(longest / 2 <= pause && pause <= longest, "{pause:?} of {longest:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST_BACKOFF);
    }
}
