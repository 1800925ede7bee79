//! Types of the model as messages.

use std::collections::BTreeMap;

use spiderq_proto::{Timestamp, time::timestamp, v1};

use super::view::View;
use crate::domain::execution_fields::show_reports;
use spiderq_core::model::{
    Actor, Counters, Job, JobKey, JsonText, Millis, SpiderName, State, StateEntry,
};

pub(super) const fn state(state: State) -> v1::JobState {
    match state {
        State::Pending => v1::JobState::Pending,
        State::Running => v1::JobState::Running,
        State::Finished => v1::JobState::Finished,
        State::Deleted => v1::JobState::Deleted,
    }
}

pub(super) fn spider_type(spider: &SpiderName) -> v1::SpiderType {
    if spider.is_script() { v1::SpiderType::Script } else { v1::SpiderType::Manual }
}

pub(super) fn time(time: Millis) -> Timestamp {
    timestamp(count(time.0))
}

pub(super) fn count(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Changes with every write to the job.
pub(super) fn etag(written: Millis) -> String {
    written.0.to_string()
}

pub(super) fn job(mut job: Job, view: &View) -> v1::Job {
    show_reports(&mut job.metadata);
    let typed = Typed::of(&job, view);
    let entered = |state| job.entry(state).map(|entry: &StateEntry| time(entry.time()));
    let actor = |state| {
        let actor = job.entry(state).map(|entry: &StateEntry| &entry.actor);
        actor.map(Actor::to_string).unwrap_or_default()
    };
    v1::Job {
        key: job.key.to_string(),
        project: count(job.key.project.get()),
        spider_id: count(job.key.spider.get()),
        spider_type: spider_type(&job.spider).into(),
        spider_name: job.spider.to_string(),
        state: state(job.state).into(),
        state_time: Some(time(job.position.ts())),
        position: count(job.position.0),
        priority: job.priority.get().into(),
        units: job.units.get().into(),
        tags: job.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        pending_time: entered(State::Pending),
        running_time: entered(State::Running),
        finished_time: entered(State::Finished),
        deleted_time: entered(State::Deleted),
        scheduled_by: actor(State::Pending),
        started_by: actor(State::Running),
        completed_by: actor(State::Finished),
        deleted_by: actor(State::Deleted),
        updated_time: Some(time(job.updated)),
        attempt: job.attempt.try_into().unwrap_or(i32::MAX),
        counters: counters(job.counters),
        etag: etag(job.updated),
        close_reason: typed.close_reason,
        version: typed.version,
        spider_args: typed.spider_args,
        cmd_args: typed.cmd_args,
        environment: typed.environment,
        job_settings_json: typed.job_settings_json,
        scrapystats_json: typed.scrapystats_json,
        metadata_json: job
            .metadata
            .into_iter()
            .filter(|(name, _)| view.shows(name.as_str()))
            .map(|(name, json)| (name.as_str().to_owned(), json.into_string()))
            .collect(),
    }
}

/// A job of which only its key is known.
pub(super) fn key_of_job(key: JobKey) -> v1::Job {
    v1::Job { key: key.to_string(), ..v1::Job::default() }
}

pub(super) fn jobs(jobs: Vec<Job>, view: &View) -> Vec<v1::Job> {
    jobs.into_iter().map(|one| job(one, view)).collect()
}

/// Metadata whose types are known. One of another type is as one that is not there.
#[derive(Default)]
struct Typed {
    close_reason: String,
    version: String,
    spider_args: BTreeMap<String, String>,
    cmd_args: String,
    environment: BTreeMap<String, String>,
    job_settings_json: String,
    scrapystats_json: String,
}

impl Typed {
    fn of(job: &Job, view: &View) -> Self {
        let text = |name| job.metadata.get(name).and_then(JsonText::as_text).unwrap_or_default();
        let texts = |name| job.metadata.get(name).map(JsonText::texts).unwrap_or_default();
        let object = |name| {
            let json = job.metadata.get(name).filter(|json| json.is_object());
            json.map(ToString::to_string).unwrap_or_default()
        };
        let row = Self {
            close_reason: text("close_reason"),
            version: text("version"),
            spider_args: texts("spider_args"),
            ..Self::default()
        };
        if !view.is_full() {
            return row;
        }
        Self {
            cmd_args: text("cmd_args"),
            environment: texts("environment"),
            job_settings_json: object("job_settings"),
            scrapystats_json: object("scrapystats"),
            ..row
        }
    }
}

pub(super) fn counters(counters: Counters) -> Option<v1::JobCounters> {
    if counters == Counters::default() {
        return None;
    }
    Some(v1::JobCounters {
        items: counters.items.map(count),
        pages: counters.pages.map(count),
        logs: counters.logs.map(count),
        errors: counters.errors.map(count),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use spiderq_core::model::{Metadata, Position, Priority, Tags, Units};

    fn stored() -> Job {
        let fields = [
            ("close_reason", "\"finished\""),
            ("version", "7"),
            ("spider_args", r#"{"a": "1", "n": 2}"#),
            ("cmd_args", "\"x y\""),
            ("environment", "[]"),
            ("job_settings", r#"{"LOG_LEVEL": "INFO"}"#),
            ("scrapystats", "null"),
            ("other", "1566311822568.0"),
        ];
        let mut metadata = Metadata::default();
        for (name, json) in fields {
            metadata.set(name, JsonText::parse(json).unwrap());
        }
        let position = Position::at(Millis(1_500));
        let actor = Actor::parse("ann").unwrap();
        Job {
            key: JobKey::parse("53/7/81").unwrap(),
            spider: SpiderName::parse("py:s.py").unwrap(),
            state: State::Pending,
            position,
            priority: Priority::default(),
            units: Units::default(),
            tags: Tags::default(),
            entries: [Some(StateEntry { position, actor }), None, None, None],
            updated: Millis(1_600),
            attempt: 1,
            lease_expires: None,
            counters: Counters::default(),
            metadata,
        }
    }

    #[test]
    fn times_are_those_that_were_reached() {
        let job = job(stored(), &View::row());
        assert_eq!(job.state_time, Some(Timestamp { seconds: 1, nanos: 500_000_000 }));
        assert_eq!((job.pending_time, job.running_time), (job.state_time, None));
        assert_eq!((job.etag.as_str(), job.scheduled_by.as_str()), ("1600", "ann"));
        assert_eq!(job.spider_type(), v1::SpiderType::Script);
    }

    #[test]
    fn metadata_of_a_known_type_are_fields_and_their_text_stays_exact() {
        let full = job(stored(), &View::FULL);
        assert_eq!((full.close_reason.as_str(), full.version.as_str()), ("finished", ""));
        let pairs = [("a", "1"), ("n", "2")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(full.spider_args, BTreeMap::from(pairs));
        assert_eq!(full.cmd_args, "x y");
        assert!(full.environment.is_empty() && full.scrapystats_json.is_empty());
        assert_eq!(full.job_settings_json, r#"{"LOG_LEVEL": "INFO"}"#);
        assert_eq!(full.metadata_json["other"], "1566311822568.0");
        assert_eq!(full.metadata_json["spider_args"], r#"{"a": "1", "n": 2}"#);
    }

    #[test]
    fn a_row_has_only_the_metadata_that_are_named() {
        let row = job(stored(), &View::row_with(&["other".to_owned()]).unwrap());
        assert_eq!(row.close_reason, "finished");
        assert_eq!((row.cmd_args.as_str(), row.job_settings_json.as_str()), ("", ""));
        assert_eq!(row.metadata_json.keys().collect::<Vec<_>>(), ["other"]);
    }
}
