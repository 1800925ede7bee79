//! Which jobs of a project a list or count is about (`docs/contract.md`, 4, count).

use std::collections::BTreeMap;

use super::{FieldSelection, Job, JsonText, Position, Priority, SpiderName, StateSet, Tag};

/// All parts must hold; an empty list holds for every job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; empty: no job matches.
    pub states: StateSet,
    /// Of one of these spiders.
    pub spiders: Vec<SpiderName>,
    /// With any of these tags.
    pub has_tags: Vec<Tag>,
    /// With all of these tags.
    pub has_all_tags: Vec<Tag>,
    /// With none of these tags.
    pub lacks_tags: Vec<Tag>,
    /// At or after this position.
    pub from: Option<Position>,
    /// Before this position.
    pub until: Option<Position>,
    /// With any of these texts as `close_reason`.
    pub close_reasons: Vec<String>,
    /// With all of these arguments of the spider, and just these values.
    pub spider_args: BTreeMap<String, String>,
    /// Of any of these priorities.
    pub priorities: Vec<Priority>,
}

/// The metadata field that [`Filter::spider_args`] looks at.
const SPIDER_ARGS: &str = "spider_args";

impl Filter {
    /// Whether `job` is one of them.
    #[must_use]
    pub fn matches(&self, job: &Job) -> bool {
        self.states.contains(job.state)
            && self.from.is_none_or(|from| job.position >= from)
            && self.until.is_none_or(|until| job.position < until)
            && (self.spiders.is_empty() || self.spiders.contains(&job.spider))
            && (self.has_tags.is_empty() || self.has_tags.iter().any(|tag| job.tags.contains(tag)))
            && self.has_all_tags.iter().all(|tag| job.tags.contains(tag))
            && !self.lacks_tags.iter().any(|tag| job.tags.contains(tag))
            && (self.priorities.is_empty() || self.priorities.contains(&job.priority))
            && self.ended_for(job)
            && self.has_arguments(job)
    }

    /// Whether only the jobs themselves decide, beyond what indexes of states, spiders, tags and
    /// positions can.
    #[must_use]
    pub fn looks_into_jobs(&self) -> bool {
        !self.close_reasons.is_empty()
            || !self.spider_args.is_empty()
            || !self.priorities.is_empty()
    }

    /// The fields that a store must read to know whether a job matches, beside those of
    /// `fields`.
    #[must_use]
    pub fn fields_read(&self, fields: &FieldSelection) -> FieldSelection {
        if self.spider_args.is_empty() { fields.clone() } else { fields.with(SPIDER_ARGS) }
    }

    fn ended_for(&self, job: &Job) -> bool {
        let has = |reason: String| self.close_reasons.contains(&reason);
        self.close_reasons.is_empty()
            || job.metadata.get("close_reason").and_then(JsonText::as_text).is_some_and(has)
    }

    fn has_arguments(&self, job: &Job) -> bool {
        if self.spider_args.is_empty() {
            return true;
        }
        let arguments = job.metadata.get(SPIDER_ARGS).map(JsonText::texts).unwrap_or_default();
        self.spider_args.iter().all(|(name, value)| arguments.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Counters, JobKey, Metadata, Millis, State, Tags, Units};

    fn job() -> Job {
        let mut metadata = Metadata::default();
        metadata.set("close_reason", JsonText::string("finished"));
        let arguments = JsonText::parse(r#"{"a": "1", "n": 2, "e": "\u00e9"}"#).unwrap();
        metadata.set(SPIDER_ARGS, arguments);
        Job {
            key: JobKey::parse("1/1/1").unwrap(),
            spider: SpiderName::parse("books").unwrap(),
            state: State::Finished,
            position: Position(5),
            priority: Priority::default(),
            units: Units::default(),
            tags: Tags::parse(["a", "b"]).unwrap(),
            entries: [const { None }; 4],
            updated: Millis(1),
            attempt: 0,
            lease_expires: None,
            counters: Counters::default(),
            metadata,
        }
    }

    fn matches(change: impl FnOnce(&mut Filter)) -> bool {
        let mut filter = Filter { states: StateSet::ALL, ..Filter::default() };
        change(&mut filter);
        filter.matches(&job())
    }

    #[test]
    fn all_tags_must_be_there() {
        let tags = |texts: &[&str]| texts.iter().map(|text| Tag::parse(text).unwrap()).collect();
        assert!(matches(|filter| filter.has_all_tags = tags(&["b", "a"])));
        assert!(!matches(|filter| filter.has_all_tags = tags(&["a", "c"])));
    }

    #[test]
    fn any_close_reason_and_any_priority_will_do() {
        let reasons = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        assert!(matches(|filter| filter.close_reasons = reasons(&["lost", "finished"])));
        assert!(!matches(|filter| filter.close_reasons = reasons(&["lost"])));
        let high = Priority::new(4).unwrap();
        assert!(matches(|filter| filter.priorities = vec![high, Priority::default()]));
        assert!(!matches(|filter| filter.priorities = vec![high]));
    }

    #[test]
    fn arguments_must_have_just_the_values_that_are_asked_for() {
        let arguments = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        for (pairs, expected) in [
            (&[("a", "1")][..], true),
            (&[("a", "1"), ("n", "2"), ("e", "é")], true),
            (&[("a", "2")], false),
            (&[("b", "1")], false),
        ] {
            assert_eq!(matches(|filter| filter.spider_args = arguments(pairs)), expected);
        }
    }
}
