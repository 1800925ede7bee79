//! Many names of spiders in little memory.

use std::{fmt, sync::Arc};

use super::SpiderName;

/// Names of spiders in their order, each once. All take one piece of memory, which clones share:
/// the runners of a fleet mostly have the same code.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct SpiderNames(Arc<Names>);

#[derive(Default, PartialEq, Eq, Hash)]
struct Names {
    /// One after another.
    text: Box<str>,
    /// Where each ends, in bytes.
    ends: Box<[usize]>,
}

impl SpiderNames {
    /// The names, in whichever order they come.
    pub fn new(names: impl IntoIterator<Item = SpiderName>) -> Self {
        let mut names: Vec<SpiderName> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let text: String = names.iter().map(SpiderName::as_str).collect();
        let ends = names.iter().scan(0, |end, name| {
            *end += name.as_str().len();
            Some(*end)
        });
        Self(Arc::new(Names { ends: ends.collect(), text: text.into() }))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// Bytes of all names.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.text.len()
    }

    /// The names, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|place| self.at(place))
    }

    /// Whether `name` is one of them.
    #[must_use]
    pub fn contains(&self, name: &SpiderName) -> bool {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.at(middle).cmp(name.as_str()) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        false
    }

    /// Whether both share their memory, so that they are equal without a look.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether nobody else has a clone.
    #[must_use]
    pub fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    fn at(&self, place: usize) -> &str {
        let end = |place: usize| self.0.ends.get(place).copied().unwrap_or_default();
        let start = place.checked_sub(1).map_or(0, end);
        self.0.text.get(start..end(place)).unwrap_or_default()
    }
}

impl fmt::Debug for SpiderNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> SpiderName {
        SpiderName::parse(text).unwrap()
    }

    #[test]
    fn names_are_in_order_and_found() {
        let names = SpiderNames::new(["quotes", "ab", "a", "蜘蛛", "a"].map(name));
        assert_eq!(names.iter().collect::<Vec<_>>(), ["a", "ab", "quotes", "蜘蛛"]);
        assert_eq!((names.len(), names.bytes()), (4, 15));
        assert!(["a", "ab", "quotes", "蜘蛛"].iter().all(|one| names.contains(&name(one))));
        assert!(["b", "abq", "aab", "quote", "z"].iter().all(|one| !names.contains(&name(one))));
        assert!(SpiderNames::default().is_empty() && !SpiderNames::default().contains(&name("a")));
        // Where one ends is part of what they are.
        assert_ne!(
            SpiderNames::new(["ab", "c"].map(name)),
            SpiderNames::new(["a", "bc"].map(name))
        );
    }
}
