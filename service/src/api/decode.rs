//! Values of messages as types of the model. All strings are checked here; deeper code needs no
//! checks. Errors name the field as the caller's text calls it, and its path within the message.

use std::collections::BTreeMap;

use prost::Message;
use spiderq_proto::{
    Duration, Timestamp,
    time::{duration_ms, timestamp_ms},
    v1,
};

use super::fields::{Fields, list};
use crate::{
    auth::Caller,
    domain::{SpiderRef, request_id::RequestId, reserved_fields::field_path, settings},
};
use spiderq_core::{
    error::{Error, Result},
    limits::{MAX_FILTER_NAMES, MAX_UNIQUE_BYTES},
    model::{
        Counters, Fence, FenceSecret, FieldName, JobKey, JsonText, Metadata, Millis, Priority,
        ProjectId, SpiderId, SpiderName, State, Tag, TagChanges, Tags, Units,
    },
};

/// `number`, or where that is 0 the project of a key that the message names.
pub(super) fn project(number: i64, key: Option<&JobKey>) -> Result<ProjectId> {
    match (number, key) {
        (0, Some(key)) => Ok(key.project),
        (number, _) => ProjectId::new(number),
    }
}

pub(super) fn projects(numbers: Vec<i64>) -> Result<Vec<ProjectId>> {
    let decode =
        |number| ProjectId::new(number).map_err(|error| error.with_field("projects").at(""));
    list(numbers, decode).map_err(|error| error.within("projects"))
}

/// Texts call a bad number `id_name`.
pub(super) fn spider_ref(message: Option<v1::SpiderRef>, id_name: &str) -> Result<SpiderRef> {
    some_spider_ref(message, id_name)?.ok_or_else(|| Error::invalid("spider", "is required").at(""))
}

/// `None` where the message is not given.
pub(super) fn some_spider_ref(
    message: Option<v1::SpiderRef>,
    id_name: &str,
) -> Result<Option<SpiderRef>> {
    use v1::spider_ref::Spider;
    let Some(message) = message else {
        return Ok(None);
    };
    match message.spider {
        None => Err(Error::invalid("spider", "must be an id or a name").at("")),
        Some(Spider::Id(number)) => {
            let bad = |error: Error| error.with_field(id_name).at("id");
            SpiderId::new(number).map(|id| Some(SpiderRef::Number(id))).map_err(bad)
        }
        Some(Spider::Name(name)) => {
            let name = SpiderName::parse(&name).map_err(|error| error.at("name"))?;
            Ok(Some(SpiderRef::Name(name)))
        }
    }
}

/// Names and numbers of spiders. An empty reference is an error.
pub(super) fn spiders(messages: Vec<v1::SpiderRef>) -> Result<(Vec<SpiderName>, Vec<SpiderId>)> {
    check_names("spiders", messages.len()).map_err(|error| error.at(""))?;
    let (mut names, mut numbers) = (Vec::new(), Vec::new());
    for spider in list(messages, |message| spider_ref(Some(message), "spiders"))? {
        match spider {
            SpiderRef::Name(name) => names.push(name),
            SpiderRef::Number(number) => numbers.push(number),
        }
    }
    Ok((names, numbers))
}

/// A time that may be shown again: those of messages end with the year 9999. `None` where it is not
/// given.
pub(super) fn time(field: &str, time: Option<Timestamp>) -> Result<Option<Millis>> {
    const SECONDS: i64 = 253_402_300_800;
    let Some(time) = time else { return Ok(None) };
    let is_time = (0..SECONDS).contains(&time.seconds) && (0..1_000_000_000).contains(&time.nanos);
    let ms = u64::try_from(timestamp_ms(&time)).ok().filter(|_| is_time);
    let bad = || Error::invalid(field, "must be a time of the years 1970 to 9999");
    ms.map(|ms| Some(Millis(ms))).ok_or_else(bad)
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

pub(super) fn priority(number: Option<i32>) -> Result<Option<Priority>> {
    number.map(|number| Priority::new(number.into())).transpose()
}

pub(super) fn units(number: Option<i32>) -> Result<Option<Units>> {
    number.map(|number| Units::new(number.into())).transpose()
}

/// A text that is not given where it is empty.
pub(super) fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// From here on the secret is known as the store keeps it.
pub(super) fn fence(text: &str) -> Result<Option<Fence>> {
    if text.is_empty() {
        return Ok(None);
    }
    FenceSecret::parse(text).map(|secret| Some(secret.kept()))
}

/// When the job was written last as it was read.
pub(super) fn etag(text: &str) -> Result<Option<Millis>> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |_| Error::invalid("etag", "must be that of a job as it was read");
    text.parse().map(|ms| Some(Millis(ms))).map_err(bad)
}

pub(super) fn unique_key(text: String) -> Result<Option<String>> {
    if text.len() > MAX_UNIQUE_BYTES {
        let accepted = format!("must be 1 to {MAX_UNIQUE_BYTES} bytes of text");
        return Err(Error::invalid("unique", accepted));
    }
    Ok(some(text))
}

/// Any JSON value. Errors name the field `name`.
fn json(name: &str, text: &str) -> Result<JsonText> {
    JsonText::parse(text).map_err(|error| error.with_field(name))
}

/// A JSON object; `None` for an empty text. Errors name the field `name`.
pub(super) fn object(name: &str, text: &str) -> Result<Option<JsonText>> {
    if text.is_empty() {
        return Ok(None);
    }
    let json = json(name, text)?;
    if !json.is_object() {
        return Err(Error::invalid(name, "must be a JSON object"));
    }
    Ok(Some(json))
}

/// The field `metadata_json` of a message.
pub(super) fn metadata(fields: BTreeMap<String, String>) -> Result<Metadata> {
    named("metadata", "metadata_json", field_path, fields)
}

/// The field `settings_json` of a message.
pub(super) fn settings(fields: BTreeMap<String, String>) -> Result<Metadata> {
    named("settings", "settings_json", settings::field_path, fields)
}

/// JSON values by name, from the message's field `path`, which texts call `within`.
fn named(
    within: &str,
    path: &str,
    path_of: impl Fn(&str) -> String,
    fields: BTreeMap<String, String>,
) -> Result<Metadata> {
    let (mut values, mut wrong) = (Metadata::default(), Fields::default());
    for (name, text) in fields {
        let key = FieldName::parse(&name).map_err(|error| error.with_field(within).at(path));
        let Some(key) = wrong.part(key) else { continue };
        if let Some(value) = wrong.field(&path_of(&name), json(&name, &text)) {
            values.insert(key, value);
        }
    }
    wrong.check(values)
}

pub(super) fn field_names(names: &[String], field: &str) -> Result<Vec<FieldName>> {
    list(names, |name| FieldName::parse(name).map_err(|error| error.with_field(field).at("")))
}

/// Tags of a list that texts call `field`.
pub(super) fn tags(texts: &[String], field: &str) -> Result<Vec<Tag>> {
    list(texts, |text| Tag::parse(text).map_err(|error| error.with_field(field).at("")))
}

/// At most as many as a job may have.
pub(super) fn job_tags(texts: &[String], field: &str) -> Result<Tags> {
    Tags::new(tags(texts, field)?).map_err(|error| error.with_field(field).at(""))
}

pub(super) fn tag_changes(changes: Option<v1::TagChanges>) -> Result<TagChanges> {
    let changes = changes.unwrap_or_default();
    let mut fields = Fields::default();
    let removed = check_names("remove", changes.remove.len());
    let removed = removed.map_err(|error| error.at(""));
    let remove = fields.within("remove", removed.and_then(|()| tags(&changes.remove, "remove")));
    let add = fields.within("add", job_tags(&changes.add, "add"));
    let (Some(remove), Some(add)) = (remove, add) else { return Err(fields.into_error()) };
    Ok(TagChanges { clear: changes.replace, remove, add })
}

pub(super) fn check_names(field: &str, names: usize) -> Result<()> {
    if names > MAX_FILTER_NAMES {
        let accepted = format!("may be given at most {MAX_FILTER_NAMES} times");
        return Err(Error::invalid(field, accepted));
    }
    Ok(())
}

pub(super) fn counters(counters: Option<v1::JobCounters>) -> Result<Counters> {
    let counters = counters.unwrap_or_default();
    let mut fields = Fields::default();
    let mut number = |field: &str, number: Option<i64>| {
        let parse = |n| u64::try_from(n).map_err(|_| Error::invalid(field, "must not be negative"));
        fields.field(field, number.map(parse).transpose()).flatten()
    };
    let counters = Counters {
        items: number("items", counters.items),
        pages: number("pages", counters.pages),
        logs: number("logs", counters.logs),
        errors: number("errors", counters.errors),
    };
    fields.check(counters)
}

/// A span in ms; `None` where it is not given.
pub(super) fn span(span: Option<Duration>) -> Option<i64> {
    span.as_ref().map(duration_ms)
}

/// How many rows to skip, or the like.
pub(super) fn not_negative(field: &str, number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Error::invalid(field, "must not be negative"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_that_messages_may_show() {
        let at = |seconds, nanos| time("at", Some(Timestamp { seconds, nanos }));
        assert_eq!(time("at", None).unwrap(), None);
        assert_eq!(at(0, 0).unwrap(), Some(Millis(0)));
        assert_eq!(at(253_402_300_799, 999_999_999).unwrap(), Some(Millis(253_402_300_799_999)));
        for (seconds, nanos) in
            [(-1, 0), (253_402_300_800, 0), (i64::MAX, 0), (0, -1), (0, 1_000_000_000)]
        {
            let refused = at(seconds, nanos).unwrap_err().to_string();
            assert_eq!(refused, "at: must be a time of the years 1970 to 9999");
        }
    }

    #[test]
    fn metadata_that_is_wrong_is_named_and_the_rest_is_looked_at() {
        let pair = |name: &str, json: &str| (name.to_owned(), json.to_owned());
        let fields = [pair("a", "{"), pair("b\n", "1"), pair("c", "1"), pair("d", "NaN")];
        let error = metadata(fields.into_iter().collect()).unwrap_err();
        assert!(error.to_string().starts_with("a: must be JSON"), "{error}");
        let violations = error.violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["metadata_json[\"a\"]", "metadata_json", "metadata_json[\"d\"]"]);
        assert!(violations[1].message.starts_with("names of fields must be"));
    }

    #[test]
    fn changes_of_tags_name_each_wrong_tag() {
        let changes = v1::TagChanges {
            add: vec!["a".to_owned(), String::new()],
            remove: vec!["\t".to_owned()],
            replace: false,
        };
        let violations = tag_changes(Some(changes)).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["remove[0]", "add[1]"]);
        let many = (0..65).map(|tag| tag.to_string()).collect();
        let error = tag_changes(Some(v1::TagChanges { add: many, ..Default::default() }));
        assert_eq!(error.unwrap_err().to_string(), "add: a job may have at most 64");
    }

    #[test]
    fn an_etag_is_a_time() {
        assert_eq!(etag("").unwrap(), None);
        assert_eq!(etag("1700").unwrap(), Some(Millis(1_700)));
        assert!(etag("\"1700\"").is_err());
    }
}
