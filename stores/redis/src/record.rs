//! A job as Redis keeps it: names of its fields, and the way back into a [`Job`].
//!
//! Short names, because a million jobs live there. In the core hash:
//! `n` spider, `s` state (0 to 3), `o` position, `p` priority, `u` units, `t` tags (one a line),
//! `0` … `3` entries (`MS ACTOR`), `w` last write, `a` attempt, `f` fence, `l` end of the
//! lease, `k` until when it may stop by itself, `e` whether it stands in front of its priority,
//! `U` unique digest, `ci` `cp` `cl` `ce` counters, `m:NAME` metadata, `b` a bound of
//! the bytes of metadata ([`UNCOUNTED`]), `z` just those bytes. What is unknown or
//! empty is not there. Larger metadata stand under their names in a hash of their own.

use std::collections::HashMap;

use super::{errors::bad_reply, keys::COMPACT};
use spiderq_core::{
    error::Result,
    model::FieldSelection,
    model::{
        Actor, Counters, FieldName, Job, JobKey, JsonText, Metadata, Millis, Position, Priority,
        SpiderName, State, StateEntry, Tags, Units,
    },
};

/// What a row needs besides metadata.
pub(super) const CORE: [&str; 17] =
    ["n", "s", "o", "p", "u", "t", "0", "1", "2", "3", "w", "a", "l", "ci", "cp", "cl", "ce"];

/// A job without the field `b` has at most so many bytes of metadata: what most jobs are
/// pushed with goes uncounted.
pub(super) const UNCOUNTED: usize = 4096;

/// FieldSelection of the counters, in the order of [`counter_values`].
const COUNTERS: [&str; 4] = ["ci", "cp", "cl", "ce"];

/// FieldSelection and values of a hash.
pub(super) type Flat = Vec<String>;

/// The core field of metadata.
pub(super) fn small_field(name: &str) -> String {
    format!("m:{name}")
}

/// Whether `name` is always in the core, so that rows are read from it alone.
pub(super) fn is_row_field(name: &str) -> bool {
    FieldSelection::ROW.contains(&name)
}

/// Whether a metadata field belongs to the core.
pub(super) fn is_small(name: &str, value: &str) -> bool {
    is_row_field(name) || (name.len() + 2 <= COMPACT && value.len() <= COMPACT)
}

/// Counters as fields and values.
pub(super) fn counter_values(counters: Counters) -> impl Iterator<Item = (&'static str, u64)> {
    let values = [counters.items, counters.pages, counters.logs, counters.errors];
    COUNTERS.into_iter().zip(values).filter_map(|(field, value)| value.map(|value| (field, value)))
}

/// A job from its two hashes as flat lists; `None` where there is none. Metadata that
/// `fields` does not name are left out.
pub(super) fn decode(
    key: JobKey,
    core: Flat,
    large: Flat,
    fields: &FieldSelection,
) -> Result<Option<Job>> {
    let mut record = Record::new(core);
    if !record.0.contains_key("s") {
        return Ok(None);
    }
    let state: usize = record.number("s")?;
    let job = Job {
        key,
        spider: SpiderName::parse(&record.text("n")?).map_err(bad_reply)?,
        state: *State::ALL.get(state).ok_or_else(|| bad_reply(key))?,
        position: Position(record.number("o")?),
        priority: Priority::new(record.number("p")?).map_err(bad_reply)?,
        units: Units::new(record.number("u")?).map_err(bad_reply)?,
        tags: Tags::parse(record.optional("t").unwrap_or_default().lines()).map_err(bad_reply)?,
        entries: [record.entry("0")?, record.entry("1")?, record.entry("2")?, record.entry("3")?],
        updated: Millis(record.number("w")?),
        attempt: record.optional_number("a")?.unwrap_or(0),
        lease_expires: record.optional_number("l")?.map(Millis),
        counters: record.counters()?,
        metadata: record.metadata(large, fields),
    };
    Ok(Some(job))
}

/// What is left of a core hash.
struct Record(HashMap<String, String>);

impl Record {
    fn new(flat: Flat) -> Self {
        Self(pairs(flat).collect())
    }

    fn optional(&mut self, field: &str) -> Option<String> {
        self.0.remove(field)
    }

    fn text(&mut self, field: &str) -> Result<String> {
        self.optional(field).ok_or_else(|| bad_reply(format!("no field {field}")))
    }

    fn optional_number<N: std::str::FromStr>(&mut self, field: &str) -> Result<Option<N>> {
        self.optional(field)
            .map(|text| text.parse().map_err(|_| bad_reply(format!("field {field}"))))
            .transpose()
    }

    fn number<N: std::str::FromStr>(&mut self, field: &str) -> Result<N> {
        self.optional_number(field)?.ok_or_else(|| bad_reply(format!("no field {field}")))
    }

    fn entry(&mut self, field: &str) -> Result<Option<StateEntry>> {
        let Some(text) = self.optional(field) else {
            return Ok(None);
        };
        let bad = || bad_reply(format!("field {field}"));
        let (position, actor) = text.split_once(' ').ok_or_else(bad)?;
        Ok(Some(StateEntry {
            position: Position(position.parse().map_err(|_| bad())?),
            actor: Actor::parse(actor).map_err(bad_reply)?,
        }))
    }

    fn counters(&mut self) -> Result<Counters> {
        let [items, pages, logs, errors] = COUNTERS;
        Ok(Counters {
            items: self.optional_number(items)?,
            pages: self.optional_number(pages)?,
            logs: self.optional_number(logs)?,
            errors: self.optional_number(errors)?,
        })
    }

    fn metadata(self, large: Flat, fields: &FieldSelection) -> Metadata {
        let small = self.0.into_iter().filter_map(|(field, value)| {
            let name = field.strip_prefix("m:")?.to_owned();
            Some((name, value))
        });
        small
            .chain(pairs(large))
            .filter(|(name, _)| fields.includes(name))
            .map(|(name, value)| (FieldName::known(&name), JsonText::stored(value)))
            .collect()
    }
}

fn pairs(flat: Flat) -> impl Iterator<Item = (String, String)> {
    let mut flat = flat.into_iter();
    std::iter::from_fn(move || Some((flat.next()?, flat.next()?)))
}
