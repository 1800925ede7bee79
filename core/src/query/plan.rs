//! How a list is read and how jobs are counted, chosen by the sizes of ranges of indexes.

use std::{collections::BTreeMap, fmt};

use super::wanted::{Drive, Group, Texts, Wanted};

/// How many splits of a count are tried, one inside the other: each may double what there is to
/// compare.
const MAX_SPLITS: usize = 3;

/// Entries that the groups of a filter have.
#[derive(Clone, Debug, Default)]
pub struct Sizes(pub BTreeMap<Group, u64>);

impl Sizes {
    fn of(&self, group: &Group) -> u64 {
        self.0.get(group).copied().unwrap_or(u64::MAX)
    }

    fn driven(&self, wanted: &Wanted, drive: &Drive) -> u64 {
        let tag = |tag: &String| self.of(&Group::Tag(tag.clone()));
        match drive {
            Drive::One(group) => self.of(group),
            Drive::Any => wanted.any.iter().map(tag).fold(0, u64::saturating_add),
        }
    }

    /// The drive with the fewest entries.
    fn smallest(&self, wanted: &Wanted) -> Drive {
        let mut drives = wanted.drives();
        drives.sort_by_key(|drive| self.driven(wanted, drive));
        drives.swap_remove(0)
    }
}

/// A walk over the ranges of `drive`, with a look at what else is wanted of each job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// All that is wanted.
    pub wanted: Wanted,
    /// What is gone over.
    pub drive: Drive,
}

impl Walk {
    /// Over the fewest entries.
    #[must_use]
    pub fn new(wanted: Wanted, sizes: &Sizes) -> Self {
        let drive = sizes.smallest(&wanted);
        Self { wanted, drive }
    }

    /// The groups whose sizes decide; none where there is no choice.
    #[must_use]
    pub fn choice(wanted: &Wanted) -> Vec<Group> {
        let is_open = wanted.drives().len() > 1 || wanted.lacks.len() > 1;
        if is_open { wanted.groups() } else { Vec::new() }
    }

    /// The tag, if there is one, all of whose jobs are in the ranges and do not match: the sizes of
    /// both tell where the next match is.
    #[must_use]
    pub fn passes_over(&self, sizes: &Sizes) -> Option<Group> {
        if self.drive != Drive::One(Group::States) {
            return None;
        }
        let tags = self.wanted.lacks.iter().map(|tag| Group::Tag(tag.clone()));
        tags.max_by_key(|group| sizes.0.get(group).copied())
    }

    /// Whether sizes alone tell how many match, and where each of them is.
    #[must_use]
    pub fn is_sized(&self) -> bool {
        let wanted = &self.wanted;
        let named = usize::from(!wanted.spiders.is_empty()) + wanted.all.len();
        wanted.any.is_empty()
            && (wanted.lacks.is_empty() && named < 2 || wanted.lacks.len() == 1 && named == 0)
    }

    /// The same jobs in walks of which no two see the same one.
    fn apart(self) -> Vec<Self> {
        if self.drive != Drive::Any {
            return vec![self];
        }
        let mut before = self.wanted.lacks.clone();
        let one = |tag: &String| {
            let mut wanted = self.wanted.clone();
            wanted.any.clear();
            wanted.all.insert(tag.clone());
            wanted.lacks = before.clone();
            before.insert(tag.clone());
            Self { wanted, drive: Drive::One(Group::Tag(tag.clone())) }
        };
        self.wanted.any.iter().map(one).collect()
    }
}

/// A count as a sum: of sizes, and of walks that are added or taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// The sum of sizes.
    pub known: i64,
    /// Walks, each with the sign of what it counts.
    pub walks: Vec<(i64, Walk)>,
    /// Entries of the walks.
    cost: u64,
}

impl Count {
    /// The cheapest way, as far as some splits show.
    #[must_use]
    pub fn new(wanted: Wanted, sizes: &Sizes) -> Self {
        let mut count = Self::split(Some(wanted), sizes, MAX_SPLITS);
        let apart =
            |(sign, walk): (i64, Walk)| walk.apart().into_iter().map(move |walk| (sign, walk));
        count.walks = count.walks.into_iter().flat_map(apart).collect();
        count
    }

    /// How many match, if sizes alone tell.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.walks.is_empty().then(|| u64::try_from(self.known).unwrap_or(0))
    }

    fn split(wanted: Option<Wanted>, sizes: &Sizes, splits: usize) -> Self {
        let Some(wanted) = wanted else { return Self::default() };
        let walk = Walk::new(wanted, sizes);
        let (wanted, cost) = (&walk.wanted, sizes.driven(&walk.wanted, &walk.drive));
        if wanted.lacks.is_empty() && walk.is_sized() || cost == 0 {
            let known = i64::try_from(cost).unwrap_or(i64::MAX);
            return Self { known, ..Self::default() };
        }
        let mut best = Self { known: 0, walks: vec![(1, walk.clone())], cost };
        let Some(splits) = splits.checked_sub(1) else { return best };
        let of = |wanted: Wanted| Self::split(wanted.simplest(), sizes, splits);
        let largest = |tags: &Texts| {
            tags.iter().max_by_key(|tag| sizes.of(&Group::Tag((*tag).clone()))).cloned()
        };
        if let Some(tag) = largest(&wanted.lacks) {
            let mut all = wanted.clone();
            all.lacks.remove(&tag);
            let mut out = all.clone();
            out.all.insert(tag);
            best = best.or(of(all).plus(of(out), -1));
        }
        if let Some(tag) = largest(&wanted.any) {
            let (mut one, mut others) = (wanted.clone(), wanted.clone());
            one.any.clear();
            one.all.insert(tag.clone());
            others.any.remove(&tag);
            others.lacks.insert(tag);
            best = best.or(of(one).plus(of(others), 1));
        }
        best
    }

    fn plus(mut self, other: Self, sign: i64) -> Self {
        self.known += sign * other.known;
        self.walks.extend(other.walks.into_iter().map(|(own, walk)| (sign * own, walk)));
        self.cost = self.cost.saturating_add(other.cost);
        self
    }

    fn or(self, other: Self) -> Self {
        if other.cost < self.cost { other } else { self }
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.wanted, self.drive)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.known)?;
        for (sign, walk) in &self.walks {
            write!(f, " {} [{walk}]", if *sign < 0 { '-' } else { '+' })?;
        }
        write!(f, ", {} entries", self.cost)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use crate::model::{Filter, Position, SpiderName, StateSet, Tag};

    use super::*;

    /// A filter of tags, written as `a|b c -d @spider`: any of `a` and `b`, `c`, not `d`.
    fn wanted(text: &str) -> Option<Wanted> {
        let tag = |text: &str| Tag::parse(text).unwrap();
        let mut filter = Filter { states: StateSet::ALL, ..Filter::default() };
        for word in text.split_whitespace() {
            match (word.strip_prefix('-'), word.strip_prefix('@')) {
                (Some(lacks), _) => filter.lacks_tags.push(tag(lacks)),
                (_, Some(spider)) => filter.spiders.push(SpiderName::parse(spider).unwrap()),
                _ if word.contains('|') => filter.has_tags = word.split('|').map(tag).collect(),
                _ => filter.has_all_tags.push(tag(word)),
            }
        }
        Wanted::new(&filter)
    }

    /// A million jobs, a spider with 5,000 of them, and tags of these sizes.
    fn sizes() -> Sizes {
        let tags = [("all", 1_000_000), ("big", 20_000), ("mid", 500), ("rare", 3), ("none", 0)];
        let tags = tags.into_iter().map(|(tag, size)| (Group::Tag(tag.to_owned()), size));
        let groups = [(Group::States, 1_000_000), (Group::Spiders, 5_000)];
        Sizes(groups.into_iter().chain(tags).collect())
    }

    fn walk(text: &str) -> String {
        let walk = Walk::new(wanted(text).unwrap(), &sizes());
        let over = walk.passes_over(&sizes());
        let over = over.map(|group| format!(", over {}", Drive::One(group))).unwrap_or_default();
        format!("{}{over}", walk.drive)
    }

    fn count(text: &str) -> String {
        Count::new(wanted(text).unwrap(), &sizes()).to_string()
    }

    #[test]
    fn a_list_goes_over_the_fewest_entries() {
        assert_eq!(walk(""), "states");
        assert_eq!(walk("@s"), "spiders");
        assert_eq!(walk("@s all"), "spiders");
        assert_eq!(walk("@s mid"), "tag mid");
        assert_eq!(walk("big mid -all"), "tag mid");
        assert_eq!(walk("big|rare mid"), "tag mid");
        assert_eq!(walk("mid|rare big"), "any tag");
    }

    #[test]
    fn a_list_of_jobs_without_a_tag_passes_over_the_largest_one() {
        assert_eq!(walk("-all"), "states, over tag all");
        assert_eq!(walk("-rare -big -mid"), "states, over tag big");
        assert_eq!(walk("@s -big"), "spiders");
    }

    #[test]
    fn sizes_alone_count_what_one_set_or_a_difference_holds() {
        assert_eq!(count(""), "1000000, 0 entries");
        assert_eq!(count("@s"), "5000, 0 entries");
        assert_eq!(count("mid"), "500, 0 entries");
        assert_eq!(count("-all"), "0, 0 entries");
        assert_eq!(count("-rare"), "999997, 0 entries");
        assert_eq!(count("mid none"), "0, 0 entries");
        for text in ["", "@s", "mid", "-all"] {
            assert!(Walk::new(wanted(text).unwrap(), &sizes()).is_sized(), "{text}");
        }
        for text in ["@s mid", "@s -mid", "mid -big", "mid|rare", "-mid -rare", "mid big"] {
            assert!(!Walk::new(wanted(text).unwrap(), &sizes()).is_sized(), "{text}");
        }
    }

    #[test]
    fn what_a_difference_takes_away_is_walked_by_the_smaller_set() {
        assert_eq!(count("big -rare"), "20000 - [jobs with big, rare by tag rare], 3 entries");
        assert_eq!(count("rare -big"), "0 + [jobs with rare without big by tag rare], 3 entries");
        let expected = "999497 + [jobs with mid, rare by tag rare], 3 entries";
        assert_eq!(count("-mid -rare"), expected);
    }

    #[test]
    fn the_largest_of_several_tags_is_counted_by_its_size() {
        let expected = "20000 + [jobs with mid without big by tag mid], 500 entries";
        assert_eq!(count("big|mid"), expected);
        let expected = "0 + [jobs of s with big by spiders], 5000 entries";
        assert_eq!(count("@s big"), expected);
    }

    #[test]
    fn what_contradicts_itself_has_no_jobs() {
        for text in ["mid -mid", "mid|big -mid -big"] {
            assert_eq!(wanted(text), None, "{text}");
        }
        let none = Filter { states: StateSet::ALL, until: Some(Position(0)), ..Filter::default() };
        assert_eq!(Wanted::new(&none), None);
        assert_eq!(Wanted::new(&Filter::default()), None);
    }

    /// Every filter of up to four tags, a spider or none, over 64 jobs that have all sets of tags:
    /// each plan counts what the filter does.
    #[test]
    fn every_count_is_that_of_the_filter() {
        let tags = ["a", "b", "c", "d"];
        for roles in 0..4_u32.pow(4) {
            let role = |tag: usize| roles / 4_u32.pow(u32::try_from(tag).unwrap()) % 4;
            let of = |wanted: u32| {
                let named = (0..4).filter(|tag| role(*tag) == wanted);
                named.map(|tag| tags[tag].to_owned()).collect::<Vec<_>>()
            };
            let (any, all, lacks) = (of(1), of(2), of(3));
            let words = iter::once(any.join("|")).filter(|any| any.contains('|'));
            let words = words.chain(all.iter().cloned());
            let words = words.chain(lacks.iter().map(|tag| format!("-{tag}")));
            for spider in ["", "@s"] {
                let text = format!("{} {spider}", words.clone().collect::<Vec<_>>().join(" "));
                let Some(wanted) = wanted(&text) else { continue };
                let sizes = Sizes(
                    wanted
                        .groups()
                        .into_iter()
                        .map(|group| {
                            let size = (0..64).filter(|job| in_group(*job, &group)).count() as u64;
                            (group, size)
                        })
                        .collect(),
                );
                let matching =
                    |wanted: &Wanted| (0..64).filter(|job| is_wanted(*job, wanted)).count();
                let count = Count::new(wanted.clone(), &sizes);
                let walks: i64 = count
                    .walks
                    .iter()
                    .map(|(sign, walk)| sign * i64::try_from(matching(&walk.wanted)).unwrap())
                    .sum();
                let expected = i64::try_from(matching(&wanted)).unwrap();
                assert_eq!(count.known + walks, expected, "{text}: {count}");
            }
        }
    }

    /// A job of 64: bits of its number are its tags, and whether it is of spider `s`.
    fn has(job: u32, tag: &str) -> bool {
        "abcd".find(tag).is_some_and(|bit| job >> bit & 1 == 1)
    }

    fn in_group(job: u32, group: &Group) -> bool {
        match group {
            Group::States => true,
            Group::Spiders => job >> 4 & 1 == 1,
            Group::Tag(tag) => has(job, tag),
        }
    }

    fn is_wanted(job: u32, wanted: &Wanted) -> bool {
        (wanted.spiders.is_empty() || in_group(job, &Group::Spiders))
            && (wanted.any.is_empty() || wanted.any.iter().any(|tag| has(job, tag)))
            && wanted.all.iter().all(|tag| has(job, tag))
            && !wanted.lacks.iter().any(|tag| has(job, tag))
    }
}
