//! Filters: which jobs a call is about.

use std::collections::HashSet;

use spiderq_proto::{Timestamp, time::timestamp_ms, v1};

use super::{
    decode,
    fields::{Fields, list},
};
use crate::domain::{JobSelection, is_of_project};
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_ITEMS,
    model::{Filter, JobKey, Millis, Position, Priority, SpiderId, State, StateSet},
};

/// The states of the jobs that a filter without keys and states selects.
pub(super) const LIVE: StateSet = StateSet::NOT_DELETED;

/// The jobs of a filter. Without states it selects those in one of `default`; with keys, in all
/// states. The project may be 0 where there are keys: it is that of the first. Keys that come again
/// are left out.
pub(super) fn selection(
    project: i64,
    message: Option<v1::JobFilter>,
    default: StateSet,
) -> Result<JobSelection> {
    let message = message.unwrap_or_default();
    let has_conditions = has_conditions(&message);
    let mut fields = Fields::default();
    // A key that is wrong itself must not make the project wrong too.
    let is_of_keys = project == 0 && !message.keys.is_empty();
    let given = (!is_of_keys).then(|| decode::project(project, None));
    let given = given.and_then(|given| fields.field("project", given));
    let parts = fields.within("filter", parts(message, default));
    let of_keys = || Some(parts.as_ref()?.keys.first()?.project);
    let project = if is_of_keys { of_keys() } else { given };
    let (Some(project), Some(parts)) = (project, parts) else { return Err(fields.into_error()) };
    let Parts { mut keys, filter, spiders } = parts;
    let check = |key: &JobKey| is_of_project(project, *key).map_err(|error| error.at(""));
    fields.within("filter.keys", list(&keys, check));
    let mut seen = HashSet::new();
    keys.retain(|key| seen.insert(*key));
    fields.check(JobSelection { project, keys, filter, spiders, has_conditions })
}

/// Whether the filter selects no job in particular.
pub(super) fn is_empty(message: &v1::JobFilter) -> bool {
    message.keys.is_empty() && !has_conditions(message)
}

/// Whether the filter has any condition but its keys.
fn has_conditions(message: &v1::JobFilter) -> bool {
    message.states.iter().any(|state| *state != 0)
        || !message.spiders.is_empty()
        || !message.has_tags.is_empty()
        || !message.has_all_tags.is_empty()
        || !message.lacks_tags.is_empty()
        || message.from_state_time.is_some()
        || message.before_state_time.is_some()
        || !message.close_reasons.is_empty()
        || !message.spider_args.is_empty()
        || !message.priorities.is_empty()
}

struct Parts {
    keys: Vec<JobKey>,
    filter: Filter,
    spiders: Vec<SpiderId>,
}

fn parts(message: v1::JobFilter, default: StateSet) -> Result<Parts> {
    let mut fields = Fields::default();
    let keys = fields.within("keys", keys(&message.keys));
    let states = fields.within("states", states(&message.states));
    let spiders = fields.within("spiders", decode::spiders(message.spiders));
    let mut tags = |field: &str, texts: &[String]| {
        let few = decode::check_names(field, texts.len()).map_err(|error| error.at(""));
        fields.within(field, few.and_then(|()| decode::tags(texts, field))).unwrap_or_default()
    };
    let has_tags = tags("has_tags", &message.has_tags);
    let has_all_tags = tags("has_all_tags", &message.has_all_tags);
    let lacks_tags = tags("lacks_tags", &message.lacks_tags);
    let mut few = |field, names| fields.field(field, decode::check_names(field, names));
    few("close_reasons", message.close_reasons.len());
    few("spider_args", message.spider_args.len());
    let mut time =
        |field, time: Option<Timestamp>| fields.field(field, time_bound(field, time)).flatten();
    let from = time("from_state_time", message.from_state_time);
    let until = time("before_state_time", message.before_state_time);
    let priorities = fields.within("priorities", list(message.priorities, priority));
    let (Some(keys), Some(states), Some((names, spiders)), Some(priorities)) =
        (keys, states, spiders, priorities)
    else {
        return Err(fields.into_error());
    };
    let filter = Filter {
        states: match (states.is_empty(), keys.is_empty()) {
            (false, _) => states,
            (true, true) => default,
            (true, false) => StateSet::ALL,
        },
        spiders: names,
        has_tags,
        has_all_tags,
        lacks_tags,
        from,
        until,
        close_reasons: message.close_reasons,
        spider_args: message.spider_args,
        priorities,
    };
    fields.check(Parts { keys, filter, spiders })
}

fn keys(texts: &[String]) -> Result<Vec<JobKey>> {
    if texts.len() > MAX_ITEMS {
        return Err(Error::too_large("keys", format!("at most {MAX_ITEMS} in one call")).at(""));
    }
    let parse =
        |text: &String| JobKey::parse(text).map_err(|error| error.with_field("keys").at(""));
    list(texts, parse)
}

/// One that is not specified says nothing.
fn states(numbers: &[i32]) -> Result<StateSet> {
    let decode = |number: &i32| decode::state(*number).map_err(|error| error.at(""));
    let states: Vec<Option<State>> = list(numbers, decode)?;
    Ok(states.into_iter().flatten().collect())
}

fn priority(number: i32) -> Result<Priority> {
    Priority::new(number.into()).map_err(|error| error.with_field("priorities").at(""))
}

fn time_bound(field: &str, time: Option<Timestamp>) -> Result<Option<Position>> {
    let Some(time) = time else {
        return Ok(None);
    };
    let is_time = (0..1_000_000_000).contains(&time.nanos);
    match u64::try_from(timestamp_ms(&time)) {
        Ok(_) if !is_time => Err(Error::invalid(field, "must have 0 to 999,999,999 nanos")),
        // Positions end below 2^53, which is the time 2^42 ms.
        Ok(ms) => Ok(Some(Position::at(Millis(ms.min(1 << 42))))),
        Err(_) => Err(Error::invalid(field, "must be a time in ms since the epoch")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn refused(project: i64, filter: v1::JobFilter) -> (String, Vec<String>) {
        let error = selection(project, Some(filter), LIVE).unwrap_err();
        let paths = error.violations().into_iter().map(|one| one.path);
        (error.to_string(), paths.collect())
    }

    #[test]
    fn the_project_is_that_of_the_keys_where_none_is_given() {
        let keys = texts(&["53/1/1", "53/1/2", "53/1/1"]);
        let filter = || v1::JobFilter { keys: keys.clone(), ..Default::default() };
        let jobs = selection(0, Some(filter()), LIVE).unwrap();
        assert_eq!((jobs.project.get(), jobs.keys.len()), (53, 2));
        assert_eq!((jobs.filter.states, jobs.has_conditions), (StateSet::ALL, false));
        let (message, paths) = refused(54, filter());
        assert_eq!(message, "key: must be a job of project 54, 53/1/1 is not");
        assert_eq!(paths, ["filter.keys[0]", "filter.keys[1]", "filter.keys[2]"]);
        let message = selection(0, None, LIVE).unwrap_err().to_string();
        assert_eq!(message, "project: must be a positive integer");
        assert!(selection(-1, Some(filter()), LIVE).is_err());
    }

    #[test]
    fn states_have_a_default_that_keys_do_not() {
        let states = |filter| selection(53, Some(filter), LIVE).unwrap().filter.states;
        assert_eq!(states(v1::JobFilter::default()), LIVE);
        let finished = StateSet::from_iter([State::Finished]);
        let filter = v1::JobFilter { states: vec![3], ..Default::default() };
        assert_eq!(states(filter.clone()), finished);
        assert_eq!(states(v1::JobFilter { keys: texts(&["53/1/1"]), ..filter }), finished);
    }

    #[test]
    fn every_wrong_field_is_named_by_its_path() {
        let filter = v1::JobFilter {
            keys: texts(&["53/1/1", "x"]),
            states: vec![1, 9],
            spiders: vec![v1::SpiderRef { spider: Some(v1::spider_ref::Spider::Id(0)) }],
            has_tags: texts(&["a", ""]),
            from_state_time: Some(Timestamp { seconds: -1, nanos: 0 }),
            before_state_time: Some(Timestamp { seconds: 1, nanos: -1 }),
            priorities: vec![5],
            ..Default::default()
        };
        let (message, paths) = refused(0, filter);
        assert_eq!(message, "keys: must be a job key like 53/7/81");
        let expected = [
            "filter.keys[1]",
            "filter.states[1]",
            "filter.spiders[0].id",
            "filter.has_tags[1]",
            "filter.from_state_time",
            "filter.before_state_time",
            "filter.priorities[0]",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_filter_has_a_bounded_number_of_names() {
        let many = vec!["a".to_owned(); 101];
        let filter =
            v1::JobFilter { has_all_tags: many.clone(), close_reasons: many, ..Default::default() };
        let (message, paths) = refused(53, filter);
        assert_eq!(message, "has_all_tags: may be given at most 100 times");
        assert_eq!(paths, ["filter.has_all_tags", "filter.close_reasons"]);
        let filter = v1::JobFilter { keys: vec!["1/1/1".to_owned(); 1_001], ..Default::default() };
        let (message, paths) = refused(53, filter);
        assert_eq!(message, "keys: at most 1000 in one call");
        assert_eq!(paths, ["filter.keys"]);
    }
}
