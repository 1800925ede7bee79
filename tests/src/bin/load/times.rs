//! Times of repeated calls.

use std::time::{Duration, Instant};

/// Calls may go on for so long; those after it are left out.
const ENOUGH: Duration = Duration::from_secs(20);

/// Times of calls, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Of one call after the other, at most `calls` of them; at least three, however long they take.
    pub(crate) async fn of(calls: usize, mut call: impl AsyncFnMut()) -> Self {
        let begin = Instant::now();
        let mut times = Self::default();
        while times.0.len() < calls && (times.0.len() < 3 || begin.elapsed() < ENOUGH) {
            times.time(&mut call).await;
        }
        times
    }

    /// Makes one call more; what it answers.
    pub(crate) async fn time<T>(&mut self, mut call: impl AsyncFnMut() -> T) -> T {
        let start = Instant::now();
        let answer = call().await;
        self.0.push(start.elapsed());
        answer
    }

    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn extend(&mut self, times: Self) {
        self.0.extend(times.0);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// All of them, ms.
    pub(crate) fn total(&self) -> f64 {
        ms(self.0.iter().sum())
    }

    /// What `percent` of the calls took at most, ms; NaN without calls.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).map_or(f64::NAN, |time| ms(*time))
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// The median of each tenth of the calls, in their order, ms. NaN for an empty tenth.
    pub(crate) fn tenths(&self) -> Vec<f64> {
        let bound = |tenth: usize| self.0.len() * tenth / 10;
        let tenth = |at: usize| Self(self.0[bound(at)..bound(at + 1)].to_vec()).median();
        (0..10).map(tenth).collect()
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Times;

    #[test]
    fn medians_of_tenths_keep_the_order_of_the_calls() {
        let times = Times((1..=20).rev().map(Duration::from_millis).collect());
        assert_eq!(times.tenths()[..2], [20.0, 18.0]);
        assert_eq!(times.median(), 11.0);
        assert_eq!(times.percentile(100), 20.0);
    }
}
