//! Counts what anybody may cause at will, so that neither the log nor the memory grows with it: the
//! first of a source is told at once, the others in sums.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use spiderq_core::limits::MAX_SAMPLED_SOURCES;

/// Counts by source, of at most [`MAX_SAMPLED_SOURCES`].
#[derive(Debug)]
pub(super) struct Sampler<K>(Mutex<Counts<K>>);

#[derive(Debug)]
struct Counts<K> {
    by_source: HashMap<K, Count>,
    /// Of sources that there was no room for.
    others: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u64,
    /// Those of them that were not told at once.
    untold: u64,
}

/// What happened since the sums before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sums<K> {
    /// How often, from all sources.
    pub(super) all: u64,
    /// How many sources, of those that are counted each.
    pub(super) sources: usize,
    /// The source that did it most often, and how often.
    pub(super) most: Option<(K, u64)>,
    /// Of each source how often it was not told at once, the most first.
    pub(super) untold: Vec<(K, u64)>,
    /// How often from sources that are not counted each.
    pub(super) others: u64,
}

impl<K> Default for Sampler<K> {
    fn default() -> Self {
        Self(Mutex::new(Counts { by_source: HashMap::new(), others: 0 }))
    }
}

impl<K: Clone + Eq + Hash + Ord> Sampler<K> {
    /// Counts one; whether to tell it at once. That is so for the first of a source, and again
    /// when there was none between two sums.
    pub(super) fn is_first(&self, source: K) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.by_source.get_mut(&source) {
            count.all += 1;
            count.untold += 1;
            return false;
        }
        if counts.by_source.len() == MAX_SAMPLED_SOURCES {
            counts.others += 1;
            return false;
        }
        counts.by_source.insert(source, Count { all: 1, untold: 0 });
        true
    }

    /// The sums since the last call. A source that did nothing since is forgotten.
    pub(super) fn take(&self) -> Sums<K> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.by_source.retain(|_, count| count.all > 0);
        let others = std::mem::take(&mut counts.others);
        let mut each: Vec<(K, Count)> = counts
            .by_source
            .iter_mut()
            .map(|(source, count)| (source.clone(), std::mem::take(count)))
            .collect();
        drop(counts);
        each.sort_by(|one, other| (other.1.all, &one.0).cmp(&(one.1.all, &other.0)));
        Sums {
            all: others + each.iter().map(|(_, count)| count.all).sum::<u64>(),
            sources: each.len(),
            most: each.first().map(|(source, count)| (source.clone(), count.all)),
            untold: each
                .into_iter()
                .filter(|(_, count)| count.untold > 0)
                .map(|(source, count)| (source, count.untold))
                .collect(),
            others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_source_is_told_at_once_and_the_others_in_sums() {
        let sampler = Sampler::default();
        assert!(sampler.is_first("a"));
        assert!(!sampler.is_first("a") && !sampler.is_first("a"));
        assert!(sampler.is_first("b"));
        let sums = sampler.take();
        assert_eq!((sums.all, sums.sources, sums.most), (4, 2, Some(("a", 3))));
        assert_eq!((sums.untold, sums.others), (vec![("a", 2)], 0));
        // It goes on: no line at once.
        assert!(!sampler.is_first("a"));
        assert_eq!(sampler.take().untold, [("a", 1)]);
        // Two sums without any: it is told at once again.
        assert_eq!((sampler.take().all, sampler.take().all), (0, 0));
        assert!(sampler.is_first("a"));
    }

    #[test]
    fn sources_beyond_the_most_are_counted_together() {
        let sampler = Sampler::default();
        let first = (0..2 * MAX_SAMPLED_SOURCES).filter(|source| sampler.is_first(*source)).count();
        assert_eq!(first, MAX_SAMPLED_SOURCES);
        let sums = sampler.take();
        let most = MAX_SAMPLED_SOURCES as u64;
        assert_eq!((sums.all, sums.others, sums.sources), (2 * most, most, MAX_SAMPLED_SOURCES));
        assert_eq!(sums.untold, []);
    }
}
