//! Changes as the scripts get them, as MessagePack maps. Only compares and places fields; rules
//! are the domain's.

use serde::Serialize;
use spiderq_core::{
    model::{Metadata, TagChanges, Units},
    store::{Change, Effect, Holder, NewAttempt, Step},
};

use crate::{
    large::LargePart,
    names::member,
    record::{Fields, POINTED_AT, counter_values, is_row_field, is_small, small_field},
};

/// Metadata by the hash they belong to.
#[derive(Default)]
pub(crate) struct Placed<'a> {
    pub(crate) core: Fields<'a>,
    pub(crate) large: Vec<LargePart<'a>>,
    /// Fields where an older value may stand that the new one, in the other hash, replaces.
    core_old: Vec<String>,
    large_old: Vec<&'a str>,
}

impl<'a> Placed<'a> {
    pub(crate) fn new(metadata: &'a Metadata) -> Self {
        let mut placed = Self::default();
        for (name, value) in metadata.iter() {
            let (name, value) = (name.as_str(), value.as_str());
            if is_small(name, value) {
                placed.core.extend([small_field(name).into(), value.into()]);
                if !is_row_field(name) {
                    placed.large_old.push(name);
                }
            } else {
                placed.large.extend([LargePart::Text(name), LargePart::value(value)]);
                if POINTED_AT.contains(&name) {
                    placed.core.extend([small_field(name).into(), "".into()]);
                } else {
                    placed.core_old.push(small_field(name));
                }
            }
        }
        placed
    }
}

#[derive(Serialize)]
struct EnterArg<'a> {
    state: usize,
    actor: &'a str,
}

#[derive(Serialize)]
struct StartArg<'a> {
    fence: &'a str,
    lease: Option<u64>,
}

impl<'a> StartArg<'a> {
    fn new(start: &'a NewAttempt) -> Self {
        Self { fence: start.fence.expose(), lease: start.lease_expires.map(|end| end.0) }
    }
}

#[derive(Serialize)]
pub(crate) struct TagsArg<'a> {
    clear: bool,
    remove: Vec<&'a str>,
    add: Vec<&'a str>,
}

impl<'a> TagsArg<'a> {
    pub(crate) fn new(edit: &'a TagChanges) -> Self {
        Self {
            clear: edit.clear,
            remove: edit.remove.iter().map(|tag| tag.as_str()).collect(),
            add: edit.add.iter().map(|tag| tag.as_str()).collect(),
        }
    }
}

/// An [`Effect`] for `lua/lib/effects.lua`.
#[derive(Serialize)]
pub(crate) struct EffectArg<'a> {
    release: bool,
    enter: Option<EnterArg<'a>>,
    restore: bool,
    front: bool,
    start: Option<StartArg<'a>>,
    lease: Option<u64>,
    stop_by: Option<u64>,
    /// Also among those to set: limits are held against it.
    units: Option<u8>,
    tags: Option<TagsArg<'a>>,
    set: Fields<'a>,
    del: Vec<String>,
    large_set: Vec<LargePart<'a>>,
    large_del: Vec<&'a str>,
    max_bytes: Option<usize>,
}

impl<'a> EffectArg<'a> {
    pub(crate) fn new(effect: &'a Effect) -> Self {
        let placed = Placed::new(&effect.set);
        let (mut set, mut del, mut large_del) = (placed.core, placed.core_old, placed.large_old);
        for name in &effect.remove {
            del.push(small_field(name.as_str()));
            large_del.push(name.as_str());
        }
        let priority = effect.priority.map(|priority| ("p", u64::from(priority.get())));
        let units = effect.units.map(|units| ("u", u64::from(units.get())));
        let numbers = priority.into_iter().chain(units);
        for (field, value) in numbers.chain(counter_values(effect.counters)) {
            set.extend([field.into(), value.to_string().into()]);
        }
        let enter = effect.enter.as_ref();
        Self {
            release: effect.release,
            enter: enter
                .map(|(state, actor)| EnterArg { state: state.index(), actor: actor.as_str() }),
            restore: effect.restore,
            front: effect.front,
            start: effect.start.as_ref().map(StartArg::new),
            lease: effect.lease_expires.map(|end| end.0),
            stop_by: effect.stop_by.map(|end| end.0),
            units: effect.units.map(Units::get),
            tags: (!effect.tags.is_empty()).then(|| TagsArg::new(&effect.tags)),
            set,
            del,
            large_set: placed.large,
            large_del,
            max_bytes: effect.max_bytes.filter(|_| !effect.set.is_empty()),
        }
    }
}

/// A [`Step`], with the indexes of its effects counted from 1, as Lua counts.
#[derive(Serialize)]
#[serde(untagged)]
enum StepArg {
    Word(&'static str),
    Apply(usize),
    Restore { ended: usize, never_ended: usize },
}

impl StepArg {
    fn new(step: Step) -> Self {
        match step {
            Step::Refuse => Self::Word("refuse"),
            Step::Keep => Self::Word("keep"),
            Step::Apply(index) => Self::Apply(index + 1),
            Step::Restore { ended, never_ended } => {
                Self::Restore { ended: ended + 1, never_ended: never_ended + 1 }
            }
        }
    }
}

/// A [`Change`] for `change.lua`.
#[derive(Serialize)]
pub(crate) struct ChangeArg<'a> {
    member: String,
    fence: Option<&'a str>,
    attempt: Option<u32>,
    started_by: Option<&'a str>,
    expired: Option<u32>,
    overdue: Option<u32>,
    unchanged_since: Option<u64>,
    on: [StepArg; 4],
    effects: Vec<EffectArg<'a>>,
}

impl<'a> ChangeArg<'a> {
    pub(crate) fn new(change: &'a Change) -> Self {
        let mut arg = Self {
            member: member(change.key),
            fence: None,
            attempt: None,
            started_by: None,
            expired: None,
            overdue: None,
            unchanged_since: change.unchanged_since.map(|time| time.0),
            on: change.on.map(StepArg::new),
            effects: change.effects.iter().map(EffectArg::new).collect(),
        };
        match &change.holder {
            Holder::Anyone => {}
            Holder::Fence(fence) => arg.fence = Some(fence.expose()),
            Holder::Attempt(attempt) => arg.attempt = Some(*attempt),
            Holder::StartedBy(actor) => arg.started_by = Some(actor.as_str()),
            Holder::Expired(attempt) => arg.expired = Some(*attempt),
            Holder::Overdue(attempt) => arg.overdue = Some(*attempt),
        }
        arg
    }
}
