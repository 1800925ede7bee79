//! Events of a project: `events.lua` with its argument and answer. The scripts that change jobs
//! write them, and only while somebody asks for them now and then.

use serde::Serialize;
use spiderq_core::{
    error::Result,
    limits::EVENTS_TTL,
    model::{ProjectId, State},
    store::{Events, JobEvent},
};

use crate::{
    RedisStore,
    error::bad_reply,
    names::{ProjectNames, job_key},
    outcome::{self, StoredState},
    scripts,
};

#[derive(Serialize)]
struct EventsArg {
    after: Option<u64>,
    limit: usize,
    /// Milliseconds.
    ttl: u64,
}

pub(crate) async fn read(
    store: &RedisStore,
    project: ProjectId,
    after: Option<u64>,
    limit: usize,
) -> Result<Events> {
    let argument = EventsArg { after, limit, ttl: EVENTS_TTL.as_secs() * 1000 };
    let keys = ProjectNames(project).script(None);
    match store.connection.run(&scripts::EVENTS, &keys, &argument).await? {
        outcome::Events::Gone => Ok(Events::Gone),
        outcome::Events::Events(last, list) => {
            let events = list.iter().map(|(number, text)| event(project, *number, text));
            Ok(Events::These { events: events.collect::<Result<_>>()?, last })
        }
    }
}

/// An event from its text: `SPIDER/JOB BEFORE AFTER STOP`.
fn event(project: ProjectId, number: u64, text: &str) -> Result<JobEvent> {
    let words: Vec<&str> = text.split(' ').collect();
    let [member, before, after, stop] = words[..] else {
        return Err(bad_reply(format!("the event {text:?}")));
    };
    Ok(JobEvent {
        number,
        key: job_key(project, member)?,
        state: state(after)?,
        previous: (!before.is_empty()).then(|| state(before)).transpose()?,
        stop: stop == "1",
    })
}

fn state(index: &str) -> Result<State> {
    let index: usize = index.parse().map_err(bad_reply)?;
    Ok(StoredState::try_from(index).map_err(bad_reply)?.0)
}
