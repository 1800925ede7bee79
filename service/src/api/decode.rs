//! Messages as types of the model. All strings are checked here; deeper code needs no checks.

use std::collections::{BTreeMap, HashSet};

use prost::Message;
use spiderq_proto::v1;

use crate::{auth::Caller, domain::request_id::RequestId};
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_FILTER_NAMES,
    model::{
        Counters, Fence, FieldName, FieldSelection, Filter, JobKey, JsonText, Metadata, Millis,
        Position, Priority, ProjectId, SpiderId, SpiderName, State, StateSet, Tag, TagChanges,
        Tags, Units,
    },
};

pub(super) fn project(number: i64) -> Result<ProjectId> {
    ProjectId::new(number)
}

pub(super) fn projects(numbers: Vec<i64>) -> Result<Vec<ProjectId>> {
    let projects = numbers.into_iter().map(ProjectId::new).collect::<Result<_>>();
    projects.map_err(|error| error.with_field("projects"))
}

pub(super) fn spider_id(field: &str, number: i64) -> Result<SpiderId> {
    SpiderId::new(number).map_err(|error| error.with_field(field))
}

/// The number of a spider; `None` for 0, which is not given.
pub(super) fn some_spider_id(field: &str, number: i64) -> Result<Option<SpiderId>> {
    match number {
        0 => Ok(None),
        number => spider_id(field, number).map(Some),
    }
}

/// Each key once, where it came first.
pub(super) fn keys(texts: &[String], field: &str) -> Result<Vec<JobKey>> {
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for text in texts {
        let key = JobKey::parse(text).map_err(|error| error.with_field(field))?;
        if seen.insert(key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// `None` for a state that is not specified.
pub(super) fn state(number: i32) -> Result<Option<State>> {
    let bad = |_| Error::invalid("state", "must be pending, running, finished or deleted");
    Ok(match v1::JobState::try_from(number).map_err(bad)? {
        v1::JobState::Unspecified => None,
        v1::JobState::Pending => Some(State::Pending),
        v1::JobState::Running => Some(State::Running),
        v1::JobState::Finished => Some(State::Finished),
        v1::JobState::Deleted => Some(State::Deleted),
    })
}

pub(super) fn priority(number: Option<u32>) -> Result<Option<Priority>> {
    number.map(|number| Priority::new(number.into())).transpose()
}

pub(super) fn units(number: Option<u32>) -> Result<Option<Units>> {
    number.map(|number| Units::new(number.into())).transpose()
}

pub(super) fn fence(text: &str) -> Result<Option<Fence>> {
    if text.is_empty() {
        return Ok(None);
    }
    Fence::parse(text).map(Some)
}

/// Any JSON value. Errors name the field `name`.
pub(super) fn json(name: &str, text: &str) -> Result<JsonText> {
    JsonText::parse(text).map_err(|error| error.with_field(name))
}

/// A JSON object. Errors name the field `name`.
pub(super) fn object(name: &str, text: &str) -> Result<JsonText> {
    let json = json(name, text)?;
    if !json.as_str().starts_with('{') {
        return Err(Error::invalid(name, "must be a JSON object"));
    }
    Ok(json)
}

pub(super) fn metadata(fields: BTreeMap<String, String>) -> Result<Metadata> {
    named("metadata", fields)
}

/// JSON values by name, from the message's field `within`.
pub(super) fn named(within: &str, fields: BTreeMap<String, String>) -> Result<Metadata> {
    let field = |(name, text): (String, String)| {
        let value = json(&name, &text)?;
        let name = FieldName::parse(&name).map_err(|error| error.with_field(within))?;
        Ok((name, value))
    };
    fields.into_iter().map(field).collect()
}

pub(super) fn spiders(names: &[String]) -> Result<Vec<SpiderName>> {
    names.iter().map(|name| SpiderName::parse(name)).collect()
}

pub(super) fn tags(texts: &[String], field: &str) -> Result<Vec<Tag>> {
    let parse = |text: &String| Tag::parse(text).map_err(|error| error.with_field(field));
    texts.iter().map(parse).collect()
}

pub(super) fn tag_changes(changes: Option<v1::TagChanges>) -> Result<TagChanges> {
    let changes = changes.unwrap_or_default();
    check_names("remove", changes.remove.len())?;
    Ok(TagChanges {
        clear: changes.replace,
        remove: tags(&changes.remove, "remove")?,
        add: Tags::parse(&changes.add).map_err(|error| error.with_field("add"))?,
    })
}

fn check_names(field: &str, names: usize) -> Result<()> {
    if names > MAX_FILTER_NAMES {
        let accepted = format!("may be given at most {MAX_FILTER_NAMES} times");
        return Err(Error::invalid(field, accepted));
    }
    Ok(())
}

pub(super) fn counters(counters: Option<v1::JobCounters>) -> Result<Counters> {
    let counters = counters.unwrap_or_default();
    let number = |field: &str, number: Option<i64>| {
        let parse = |n| u64::try_from(n).map_err(|_| Error::invalid(field, "must not be negative"));
        number.map(parse).transpose()
    };
    Ok(Counters {
        items: number("items", counters.items)?,
        pages: number("pages", counters.pages)?,
        logs: number("logs", counters.logs)?,
        errors: number("errors", counters.errors)?,
    })
}

/// A filter and the keys in it. Without states it gets those of `default`; with keys, those of
/// `default_with_keys`.
pub(super) fn filter(
    filter: Option<v1::JobFilter>,
    default: StateSet,
    default_with_keys: StateSet,
) -> Result<(Filter, Vec<JobKey>)> {
    let filter = filter.unwrap_or_default();
    let keys = keys(&filter.keys, "keys")?;
    check_names("spiders", filter.spiders.len())?;
    check_names("has_tags", filter.has_tags.len())?;
    check_names("lacks_tags", filter.lacks_tags.len())?;
    let named = filter.states.iter().map(|number| state(*number));
    let states: StateSet = named.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    let states = match (states.is_empty(), keys.is_empty()) {
        (false, _) => states,
        (true, true) => default,
        (true, false) => default_with_keys,
    };
    let parsed = Filter {
        states,
        spiders: spiders(&filter.spiders)?,
        has_tags: tags(&filter.has_tags, "has_tags")?,
        lacks_tags: tags(&filter.lacks_tags, "lacks_tags")?,
        from: time_bound("start_ts", filter.start_ts)?,
        until: time_bound("end_ts", filter.end_ts)?,
    };
    Ok((parsed, keys))
}

fn time_bound(field: &str, ms: i64) -> Result<Option<Position>> {
    match u64::try_from(ms) {
        Ok(0) => Ok(None),
        // Positions end below 2^53, which is the time 2^42 ms.
        Ok(ms) => Ok(Some(Position::at(Millis(ms.min(1 << 42))))),
        Err(_) => Err(Error::invalid(field, "must be a time in ms since the epoch")),
    }
}

/// `names` are added to the fields of a row; the full view has all.
pub(super) fn fields(view: i32, names: &[String]) -> Result<FieldSelection> {
    let view = v1::JobView::try_from(view)
        .map_err(|_| Error::invalid("view", "must be JOB_VIEW_ROW or JOB_VIEW_FULL"))?;
    check_names("metadata_fields", names.len())?;
    match view {
        v1::JobView::Full => Ok(FieldSelection::Full),
        v1::JobView::Unspecified | v1::JobView::Row if names.is_empty() => Ok(FieldSelection::Row),
        v1::JobView::Unspecified | v1::JobView::Row => {
            let parse = |name: &String| {
                FieldName::parse(name).map_err(|error| error.with_field("metadata_fields"))
            };
            let names = names.iter().map(parse);
            Ok(FieldSelection::Named(names.collect::<Result<_>>()?))
        }
    }
}

/// The request id of a call, bound to its caller and to all that the call asks for.
pub(super) fn request_id<M: Message>(
    id: &str,
    caller: &Caller,
    call: &str,
    message: &M,
) -> Result<Option<RequestId>> {
    if id.is_empty() {
        return Ok(None);
    }
    RequestId::parse(id, caller.actor(), call, &message.encode_to_vec())
}
