//! Metadata fields whose names mean something to the service: those that only it sets are
//! skipped, and those that stores index become typed (`docs/contract.md`, 5).

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use spiderq_core::{
    error::{Error, Result},
    limits::MAX_METADATA_BYTES,
    model::{Counters, JsonText, Metadata, Priority, READABLE, TagChanges, Tags, Units},
    store::Effect,
};

/// Fields that only the service sets, sorted. Clients that write back what they read send them
/// too, so that they are skipped, not refused.
const READ_ONLY: [&str; 19] = [
    "_key",
    "_reported_deploy_id",
    "_reported_version",
    "auth",
    "cancelled_by",
    "completed_by",
    "deleted_by",
    "deleted_time",
    "finished_time",
    "key",
    "pending_time",
    "project",
    "restored_by",
    "restored_time",
    "running_time",
    "scheduled_by",
    "spider",
    "started_by",
    "state",
];

/// Fields that runners and scheduling clients read as JSON, so that all of them must be able to.
const READABLE_FIELDS: [&str; 4] = ["spider_args", "environment", "job_settings", "meta"];

/// A client's metadata, with the reserved fields taken out.
#[derive(Debug, Default)]
pub(super) struct ReservedFields {
    pub(super) tags: Option<Tags>,
    pub(super) priority: Option<Priority>,
    pub(super) units: Option<Units>,
    pub(super) counters: Counters,
    /// All other fields.
    pub(super) rest: Metadata,
}

impl ReservedFields {
    pub(super) fn split(mut metadata: Metadata) -> Result<Self> {
        metadata.check_size().map_err(|error| error.at("metadata_json"))?;
        metadata.retain(|name| !is_read_only(name));
        for name in READABLE_FIELDS {
            let checked = metadata.get(name).map_or(Ok(()), |json| check_readable(name, json));
            checked.map_err(|error| error.at(&field_path(name)))?;
        }
        let tags = metadata.remove("tags").map(|json| tags(&json)).transpose();
        let tags = tags.map_err(|error| error.at(&field_path("tags")))?;
        let priority = integer(&mut metadata, "priority", Priority::new)?;
        let units = integer(&mut metadata, "units", Units::new)?;
        let counters = metadata.get("scrapystats").map(counters).unwrap_or_default();
        Ok(Self { tags, priority, units, counters, rest: metadata })
    }

    /// The effect of setting these fields of a job. Its tags are replaced.
    pub(super) fn effect(self) -> Effect {
        let replaced = |add| TagChanges { clear: true, remove: Vec::new(), add };
        Effect {
            tags: self.tags.map_or_else(TagChanges::default, replaced),
            priority: self.priority,
            units: self.units,
            counters: self.counters,
            max_bytes: (!self.rest.is_empty()).then_some(MAX_METADATA_BYTES),
            set: self.rest,
            ..Effect::default()
        }
    }

    /// The same, and then the changes of tags.
    pub(super) fn effect_and(mut self, changes: TagChanges) -> Result<Effect> {
        let Some(tags) = self.tags.take() else {
            return Ok(Effect { tags: changes, ..self.effect() });
        };
        let add = changes.apply(&tags).map_err(|error| error.at("tag_changes.add"))?;
        self.tags = Some(add);
        Ok(self.effect())
    }
}

/// Where a request has the metadata field `name`.
pub(crate) fn field_path(name: &str) -> String {
    format!("metadata_json[{}]", JsonText::string(name))
}

pub(super) fn check_readable(name: &str, json: &JsonText) -> Result<()> {
    if json.is_readable() { Ok(()) } else { Err(Error::invalid(name, READABLE)) }
}

pub(super) fn is_read_only(name: &str) -> bool {
    READ_ONLY.binary_search(&name).is_ok()
}

fn tags(json: &JsonText) -> Result<Tags> {
    let texts: Vec<String> = serde_json::from_str(json.as_str())
        .map_err(|_| Error::invalid("tags", "must be an array of strings"))?;
    Tags::parse(texts)
}

fn integer<T>(
    metadata: &mut Metadata,
    name: &str,
    parse: impl Fn(i64) -> Result<T>,
) -> Result<Option<T>> {
    let Some(json) = metadata.remove(name) else {
        return Ok(None);
    };
    // A value that is not an integer gets the error of one that is out of range.
    let number = parse(serde_json::from_str(json.as_str()).unwrap_or(i64::MIN));
    number.map(Some).map_err(|error| error.at(&field_path(name)))
}

/// The counters in Scrapy's stats, which leave out what never happened: a missing one is 0.
fn counters(stats: &JsonText) -> Counters {
    let Ok(stats) = serde_json::from_str::<BTreeMap<String, &RawValue>>(stats.as_str()) else {
        return Counters::default();
    };
    if stats.is_empty() {
        return Counters::default();
    }
    let number = |raw: &RawValue| {
        let text = raw.get();
        let whole = text.strip_suffix(".0").unwrap_or(text);
        whole.parse::<u64>().unwrap_or(0)
    };
    let stat = |name: &str| stats.get(name).map_or(0, |raw| number(raw));
    let logs = stats
        .iter()
        .filter(|(name, _)| name.starts_with("log_count/"))
        .fold(0_u64, |sum, (_, raw)| sum.saturating_add(number(raw)));
    Counters {
        items: Some(stat("item_scraped_count")),
        pages: Some(stat("response_received_count")),
        logs: Some(logs),
        errors: Some(stat("log_count/ERROR").saturating_add(stat("log_count/CRITICAL"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_only_names_are_sorted() {
        assert!(READ_ONLY.is_sorted());
    }

    #[test]
    fn fields_that_runners_read_must_be_readable_and_others_need_not() {
        let split = |name: &str, json: &str| {
            let json = JsonText::parse(json).unwrap();
            let mut metadata = Metadata::default();
            metadata.set(name, json);
            ReservedFields::split(metadata)
        };
        for name in READABLE_FIELDS {
            for json in [r#"{"a":"\ud800"}"#, r#"{"a":[1e400]}"#] {
                let refused = split(name, json).unwrap_err().to_string();
                assert_eq!(refused, format!("{name}: {READABLE}"));
            }
            assert!(split(name, r#"{"a":"\u00e9\/","b":1E5}"#).is_ok());
        }
        let rest = split("other", r#"["\ud800",1e400]"#).unwrap().rest;
        assert_eq!(rest.get("other").unwrap().as_str(), r#"["\ud800",1e400]"#);
    }

    #[test]
    fn counters_come_from_scrapy_stats() {
        let stats = r#"{"item_scraped_count":2,"response_received_count":1,"log_count/INFO":11,
            "log_count/ERROR":3.0,"log_count/CRITICAL":1,"finish_time":1566311822568.0}"#;
        let known = counters(&JsonText::parse(stats).unwrap());
        let expected = Counters { items: Some(2), pages: Some(1), logs: Some(15), errors: Some(4) };
        assert_eq!(known, expected);
        for unknown in ["{}", "null", "[]", "3"] {
            assert_eq!(counters(&JsonText::parse(unknown).unwrap()), Counters::default());
        }
    }
}
