//! What scripts get, as MessagePack maps: a request, an effect, an edit of tags. Only
//! compares and places fields; rules are the domain's.

use serde::Serialize;

use super::{
    keys::member,
    record::{Flat, counter_values, is_row_field, is_small, small_field},
};
use spiderq_core::{
    model::{Metadata, Millis, TagChanges, Units},
    store::{Change, Effect, Holder, NewAttempt, RequestDigest, Step},
};

/// A request id; how long its answer is kept is relative, by the caller's clock.
#[derive(Serialize)]
pub(super) struct RequestArg<'a> {
    fingerprint: &'a str,
    ttl: u64,
}

impl<'a> RequestArg<'a> {
    pub(super) fn new(request: Option<&'a RequestDigest>, now: Millis) -> Option<Self> {
        request.map(|request| Self {
            fingerprint: &request.fingerprint,
            ttl: request.expires.0.saturating_sub(now.0).max(1),
        })
    }
}

/// Metadata by the hash it belongs to, as flat lists of fields and values.
#[derive(Default)]
pub(super) struct Placed {
    pub(super) core: Flat,
    pub(super) large: Flat,
    /// Where an older value may stand that the new one replaces.
    core_old: Vec<String>,
    large_old: Vec<String>,
}

impl Placed {
    pub(super) fn new(metadata: &Metadata) -> Self {
        let mut placed = Self::default();
        for (name, value) in metadata.iter() {
            let (name, value) = (name.as_str(), value.as_str().to_owned());
            if is_small(name, &value) {
                placed.core.extend([small_field(name), value]);
                if !is_row_field(name) {
                    placed.large_old.push(name.to_owned());
                }
            } else {
                placed.large.extend([name.to_owned(), value]);
                placed.core_old.push(small_field(name));
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

/// An edit of tags.
#[derive(Serialize)]
pub(super) struct TagsArg<'a> {
    clear: bool,
    remove: Vec<&'a str>,
    add: Vec<&'a str>,
}

impl<'a> TagsArg<'a> {
    pub(super) fn new(edit: &'a TagChanges) -> Self {
        Self {
            clear: edit.clear,
            remove: edit.remove.iter().map(|tag| tag.as_str()).collect(),
            add: edit.add.iter().map(|tag| tag.as_str()).collect(),
        }
    }
}

/// An [`Effect`] as `apply.lua` plans it.
#[derive(Serialize)]
pub(super) struct EffectArg<'a> {
    release: bool,
    enter: Option<EnterArg<'a>>,
    front: bool,
    start: Option<StartArg<'a>>,
    lease: Option<u64>,
    stop_by: Option<u64>,
    /// Also among those to set.
    units: Option<u8>,
    tags: Option<TagsArg<'a>>,
    set: Flat,
    del: Vec<String>,
    large_set: Flat,
    large_del: Vec<String>,
    bytes: usize,
    most: Option<usize>,
}

impl<'a> EffectArg<'a> {
    pub(super) fn new(effect: &'a Effect) -> Self {
        let placed = Placed::new(&effect.set);
        let (mut set, mut del, mut large_del) = (placed.core, placed.core_old, placed.large_old);
        for name in &effect.remove {
            del.push(small_field(name.as_str()));
            large_del.push(name.as_str().to_owned());
        }
        let priority = effect.priority.map(|rank| ("p", u64::from(rank.get())));
        let units = effect.units.map(|weight| ("u", u64::from(weight.get())));
        let numbers = priority.into_iter().chain(units);
        for (field, value) in numbers.chain(counter_values(effect.counters)) {
            set.extend([field.to_owned(), value.to_string()]);
        }
        Self {
            release: effect.release,
            enter: effect
                .enter
                .as_ref()
                .map(|(state, actor)| EnterArg { state: state.index(), actor: actor.as_str() }),
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
            bytes: effect.set.bytes(),
            most: effect.max_bytes,
        }
    }
}

/// A [`Change`] as `change.lua` decides it.
#[derive(Serialize)]
pub(super) struct ChangeArg<'a> {
    member: String,
    fence: Option<&'a str>,
    attempt: Option<u32>,
    started_by: Option<&'a str>,
    expired: Option<u32>,
    overdue: Option<u32>,
    on: [i64; 4],
    effects: Vec<EffectArg<'a>>,
}

impl<'a> ChangeArg<'a> {
    pub(super) fn new(change: &'a Change) -> Self {
        let mut arg = Self {
            member: member(change.key),
            fence: None,
            attempt: None,
            started_by: None,
            expired: None,
            overdue: None,
            on: change.on.map(step),
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

/// Lua counts from 1.
fn step(step: Step) -> i64 {
    match step {
        Step::Refuse => -1,
        Step::Keep => 0,
        Step::Apply(index) => i64::try_from(index).unwrap_or(i64::MAX - 1) + 1,
    }
}
