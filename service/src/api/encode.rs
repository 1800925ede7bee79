//! Types of the model as messages.

use spiderq_proto::v1;

use spiderq_core::model::{Actor, Counters, Job, JsonText, Millis, State, StateEntry};

pub(super) const fn state(state: State) -> v1::JobState {
    match state {
        State::Pending => v1::JobState::Pending,
        State::Running => v1::JobState::Running,
        State::Finished => v1::JobState::Finished,
        State::Deleted => v1::JobState::Deleted,
    }
}

pub(super) fn millis(time: Millis) -> i64 {
    time.0.try_into().unwrap_or(i64::MAX)
}

pub(super) fn count(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(super) fn job(job: Job) -> v1::Job {
    let time = |state| job.entry(state).map_or(0, |entry: &StateEntry| millis(entry.time()));
    let actor = |state| {
        let actor = job.entry(state).map(|entry: &StateEntry| &entry.actor);
        actor.map(Actor::to_string).unwrap_or_default()
    };
    let text = |field| job.metadata.get(field).and_then(JsonText::as_text);
    v1::Job {
        key: job.key.to_string(),
        project: count(job.key.project.get()),
        spider_id: count(job.key.spider.get()),
        spider_type: job.spider.spider_type().to_owned(),
        spider: job.spider.to_string(),
        state: state(job.state).into(),
        ts: millis(job.position.ts()),
        position: count(job.position.0),
        priority: job.priority.get().into(),
        units: job.units.get().into(),
        tags: job.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        pending_time: time(State::Pending),
        running_time: time(State::Running),
        finished_time: time(State::Finished),
        deleted_time: time(State::Deleted),
        scheduled_by: actor(State::Pending),
        started_by: actor(State::Running),
        completed_by: actor(State::Finished),
        deleted_by: actor(State::Deleted),
        updated_time: millis(job.updated),
        attempt: job.attempt,
        counters: counters(job.counters),
        close_reason: text("close_reason").unwrap_or_default(),
        metadata: job
            .metadata
            .into_iter()
            .map(|(name, json)| (name.as_str().to_owned(), json.into_string()))
            .collect(),
    }
}

pub(super) fn jobs(jobs: Vec<Job>) -> Vec<v1::Job> {
    jobs.into_iter().map(job).collect()
}

fn counters(counters: Counters) -> Option<v1::JobCounters> {
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
