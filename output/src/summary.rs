//! What is known of lines without reading them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spiderq_core::limits::MAX_OUTPUT_COUNTS;

/// The highest level that names of segments tell apart.
pub(crate) const MAX_NAMED_LEVEL: i64 = 99;

/// Some lines of an output in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many lines.
    pub lines: u64,
    /// Bytes of the lines, without line breaks.
    pub bytes: u64,
    /// The earliest time of a line that has one, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_time: Option<i64>,
    /// The latest time, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_time: Option<i64>,
    /// The highest level of a log line; 0 for other kinds.
    #[serde(default)]
    pub max_level: i64,
    /// Of logs how many lines have each level, of items and requests how many have each field. At
    /// most [`MAX_OUTPUT_COUNTS`] names: those that came first.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
}

impl Summary {
    /// Adds the lines that `other` is about.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.max_level = self.max_level.max(other.max_level);
        for time in [other.first_time, other.last_time].into_iter().flatten() {
            self.add_time(time);
        }
        for (name, count) in &other.counts {
            self.count(name, *count);
        }
    }

    /// Notes the time of a line, ms since 1970.
    pub(crate) fn add_time(&mut self, time: i64) {
        self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
        self.last_time = Some(self.last_time.map_or(time, |last| last.max(time)));
    }

    /// Counts so many lines more that have this level or field.
    pub(crate) fn count(&mut self, name: &str, lines: u64) {
        if let Some(count) = self.counts.get_mut(name) {
            *count += lines;
        } else if self.counts.len() < MAX_OUTPUT_COUNTS {
            self.counts.insert(name.to_owned(), lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_the_earliest_and_the_latest_time_and_all_counts() {
        let summary = |lines, time, level: i64| Summary {
            lines,
            bytes: 10 * lines,
            first_time: Some(time),
            last_time: Some(time),
            max_level: level,
            counts: BTreeMap::from([(level.to_string(), lines)]),
        };
        let mut sum = Summary::default();
        for part in [summary(2, 500, 20), summary(1, 400, 40), summary(3, 450, 20)] {
            sum.add(&part);
        }
        let expected = Summary {
            lines: 6,
            bytes: 60,
            first_time: Some(400),
            last_time: Some(500),
            max_level: 40,
            counts: BTreeMap::from([("20".to_owned(), 5), ("40".to_owned(), 1)]),
        };
        assert_eq!(sum, expected);
    }

    #[test]
    fn only_so_many_names_are_counted() {
        let mut sum = Summary::default();
        for name in 0..MAX_OUTPUT_COUNTS + 10 {
            sum.count(&name.to_string(), 1);
        }
        sum.count("0", 1);
        assert_eq!((sum.counts.len(), sum.counts["0"]), (MAX_OUTPUT_COUNTS, 2));
    }
}
