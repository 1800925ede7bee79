//! Back-off: growing pauses between tries, different in each process, so that many that lost
//! the same server do not return to it all at once.

use std::time::Duration;

/// The pauses between tries of one thing. Each doubles, up to a longest.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses of up to `first`, twice that …, up to `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// How long to pause before the next try, [jittered].
    pub fn pause(&mut self) -> Duration {
        let pause = jittered(self.next);
        self.next = (self.next * 2).min(self.longest);
        pause
    }

    /// Begins anew, after a try that succeeded.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Between half of `pause` and all of it, by chance.
#[must_use]
pub fn jittered(pause: Duration) -> Duration {
    // Without randomness there is no jitter, and no harm.
    let part = getrandom::u32().unwrap_or(u32::MAX);
    pause / 2 + pause.mul_f64(f64::from(part) / f64::from(u32::MAX) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_reset() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(500), ms(4_000));
        for _ in 0..50 {
            for longest in [500, 1_000, 2_000, 4_000, 4_000] {
                let pause = backoff.pause();
                assert!((ms(longest / 2)..=ms(longest)).contains(&pause), "{pause:?}");
            }
            backoff.reset();
        }
    }
}
