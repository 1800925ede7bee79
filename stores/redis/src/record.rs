//! A job as Redis keeps it: names of its fields, and the way back into a [`Job`].
//!
//! Short names, because a million jobs live there. In the core hash:
//! `n` spider, `s` state (0 to 3), `o` position, `p` priority, `u` units, `t` tags (one a line),
//! `0` … `3` entries (`POSITION ACTOR`), `w` last write, `a` attempt, `f` fence, `l` end of the
//! lease, `k` deadline to stop after a stop request, `e` whether it stands in front of its
//! priority, `U` unique digest, `ci` `cp` `cl` `ce` counters, `m:NAME` metadata, `z` bytes of all
//! metadata. What is unknown or empty is not there. Larger metadata stand under their names in a
//! hash of their own (`large.rs`). Of `spider_args`, which every row of a list shows, the core hash
//! says that they do, by an empty `m:spider_args`; so most rows are read from one hash alone.

use std::{borrow::Cow, str::FromStr};

use spiderq_core::{
    error::Result,
    model::{
        Actor, Counters, FieldName, FieldSelection, Job, JobKey, JsonText, Metadata, Millis,
        Position, Priority, SpiderName, State, StateEntry, Tags, Units,
    },
};

use crate::{
    error::bad_reply,
    large::{self, Bytes, LargePairs, LargeValues},
};

/// Columns of a row beside metadata, in the order in which [`Record::decode`] reads them.
pub(crate) const CORE: [&str; 17] =
    ["n", "s", "o", "p", "u", "t", "0", "1", "2", "3", "w", "a", "l", "ci", "cp", "cl", "ce"];
/// Index of the state in [`CORE`].
const STATE: usize = 1;
/// Field of the last write, whose time grows with every write; and its index in [`CORE`].
pub(crate) const WRITTEN: &str = "w";
pub(crate) const WRITTEN_COLUMN: usize = 10;
/// Field of the fence, which is no column: only a claim answers with it.
const FENCE: &str = "f";

/// Field of the bytes of all metadata.
pub(crate) const SIZE: &str = "z";

/// Fields of the counters, in the order of [`counter_values`].
const COUNTERS: [&str; 4] = ["ci", "cp", "cl", "ce"];

/// Most bytes of a value, and of a field, that a hash keeps in its compact form: the default of
/// Redis's `hash-max-listpack-value`.
const MAX_COMPACT: usize = 64;

/// Fields and values of a hash in turn, as scripts get them.
pub(crate) type Flat = Vec<String>;
/// Fields and values of a hash in turn, as scripts get them.
pub(crate) type Fields<'a> = Vec<Cow<'a, str>>;
/// Fields and values of a hash.
pub(crate) type Pairs = Vec<(String, String)>;
/// The values of the fields that were asked for, in their order.
pub(crate) type Values = Vec<Option<String>>;

const METADATA: &str = "m:";

/// The field of the core hash for small metadata.
pub(crate) fn small_field(name: &str) -> String {
    format!("{METADATA}{name}")
}

/// Whether `name` is always in the core hash, so that rows are read from it alone.
pub(crate) fn is_row_field(name: &str) -> bool {
    FieldSelection::ROW.contains(&name)
}

/// Names of metadata of which the core hash says whether they are among the larger ones.
pub(crate) const POINTED_AT: [&str; 1] = ["spider_args"];

/// Whether a metadata field belongs to the core hash.
pub(crate) fn is_small(name: &str, value: &str) -> bool {
    is_row_field(name) || (METADATA.len() + name.len() <= MAX_COMPACT && value.len() <= MAX_COMPACT)
}

/// Counters that are known, as fields and values.
pub(crate) fn counter_values(counters: Counters) -> impl Iterator<Item = (&'static str, u64)> {
    let values = [counters.items, counters.pages, counters.logs, counters.errors];
    COUNTERS.into_iter().zip(values).filter_map(|(field, value)| value.map(|value| (field, value)))
}

/// Fields and values of a hash that a script answers with.
pub(crate) fn pairs(flat: Vec<Bytes>) -> Result<Pairs> {
    let pairs = large::large_pairs(flat)?.into_iter();
    pairs.map(|(field, value)| Ok((field, utf8(value)?))).collect()
}

/// Text that Redis keeps.
pub(crate) fn utf8(value: Vec<u8>) -> Result<String> {
    String::from_utf8(value).map_err(bad_reply)
}

/// The fence in a whole core hash.
pub(crate) fn fence(core: &Pairs) -> Option<&str> {
    core.iter().find_map(|(field, fence)| (field == FENCE).then_some(fence.as_str()))
}

/// What was read of a job.
pub(crate) struct Record {
    /// By [`CORE`].
    columns: Values,
    metadata: Pairs,
}

impl Record {
    /// Of the values of [`CORE`] and then of small metadata with these names.
    pub(crate) fn of_row<'a>(
        mut values: Values,
        names: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<Self> {
        if values.len() != CORE.len() + names.len() {
            return Err(bad_reply(format!("{} values of a row", values.len())));
        }
        let small = values.split_off(CORE.len());
        let mut record = Self { columns: values, metadata: Pairs::new() };
        record.add(names, small);
        Ok(record)
    }

    /// Of all fields of both hashes.
    pub(crate) fn whole(core: Pairs, large: LargePairs) -> Result<Self> {
        let (mut columns, mut metadata) = (vec![None; CORE.len()], large::texts(large)?);
        for (mut field, value) in core {
            if field.starts_with(METADATA) {
                field.drain(..METADATA.len());
                metadata.push((field, value));
            } else if let Some(column) = CORE.iter().position(|core| *core == field) {
                columns[column] = Some(value);
            }
        }
        Ok(Self { columns, metadata })
    }

    /// Whether the other hash has metadata that belong to it.
    pub(crate) fn points_at_large(&self) -> bool {
        self.metadata.iter().any(|(_, value)| value.is_empty())
    }

    /// Adds those larger metadata that are there.
    pub(crate) fn add_large<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str>,
        values: LargeValues,
    ) -> Result<()> {
        let found = names.zip(values).filter_map(|(name, value)| Some((name.to_owned(), value?)));
        self.metadata.extend(large::texts(found.collect())?);
        Ok(())
    }

    /// Adds those metadata that are there.
    fn add<'a>(&mut self, names: impl Iterator<Item = &'a str>, values: Values) {
        let pairs = names.zip(values);
        self.metadata.extend(pairs.filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }

    /// The job; `None` where there is none.
    pub(crate) fn decode(self, key: JobKey) -> Result<Option<Job>> {
        if self.columns.get(STATE).is_none_or(Option::is_none) {
            return Ok(None);
        }
        let metadata = self.metadata.into_iter().filter(|(_, value)| !value.is_empty());
        let metadata: Metadata = metadata
            .map(|(name, value)| (FieldName::known(&name), JsonText::stored(value)))
            .collect();
        let mut columns = Columns(CORE.into_iter().zip(self.columns));
        Ok(Some(Job {
            key,
            spider: columns.parsed(SpiderName::parse)?,
            state: columns.state()?,
            position: Position(columns.number()?),
            priority: Priority::new(columns.number()?).map_err(bad_reply)?,
            units: Units::new(columns.number()?).map_err(bad_reply)?,
            tags: columns.tags()?,
            entries: [columns.entry()?, columns.entry()?, columns.entry()?, columns.entry()?],
            updated: Millis(columns.number()?),
            // The first start has not come yet.
            attempt: columns.optional()?.unwrap_or(0),
            lease_expires: columns.optional()?.map(Millis),
            counters: columns.counters()?,
            metadata,
        }))
    }
}

/// Columns one after the other, with their names.
struct Columns<I>(I);

impl<I: Iterator<Item = (&'static str, Option<String>)>> Columns<I> {
    fn next(&mut self) -> Result<(&'static str, Option<String>)> {
        self.0.next().ok_or_else(|| bad_reply("too few columns"))
    }

    fn parsed<T>(&mut self, parse: impl Fn(&str) -> Result<T>) -> Result<T> {
        let (name, text) = self.next()?;
        let text = text.ok_or_else(|| bad_reply(format!("no field {name}")))?;
        parse(&text).map_err(bad_reply)
    }

    fn optional<N: FromStr>(&mut self) -> Result<Option<N>> {
        let (name, text) = self.next()?;
        text.map(|text| text.parse().map_err(|_| bad_reply(format!("field {name}")))).transpose()
    }

    fn number<N: FromStr>(&mut self) -> Result<N> {
        let (name, text) = self.next()?;
        let text = text.ok_or_else(|| bad_reply(format!("no field {name}")))?;
        text.parse().map_err(|_| bad_reply(format!("field {name}")))
    }

    fn state(&mut self) -> Result<State> {
        let index: usize = self.number()?;
        State::ALL.get(index).copied().ok_or_else(|| bad_reply(format!("state {index}")))
    }

    fn tags(&mut self) -> Result<Tags> {
        let (_, text) = self.next()?;
        text.map_or_else(|| Ok(Tags::default()), |text| tags(&text))
    }

    fn entry(&mut self) -> Result<Option<StateEntry>> {
        let (name, text) = self.next()?;
        let Some(text) = text else { return Ok(None) };
        let bad = || bad_reply(format!("field {name}"));
        let (position, actor) = text.split_once(' ').ok_or_else(bad)?;
        Ok(Some(StateEntry {
            position: Position(position.parse().map_err(|_| bad())?),
            actor: Actor::parse(actor).map_err(bad_reply)?,
        }))
    }

    fn counters(&mut self) -> Result<Counters> {
        Ok(Counters {
            items: self.optional()?,
            pages: self.optional()?,
            logs: self.optional()?,
            errors: self.optional()?,
        })
    }
}

/// Tags as they are kept, one a line.
pub(crate) fn tags(lines: &str) -> Result<Tags> {
    Tags::parse(lines.lines()).map_err(bad_reply)
}
