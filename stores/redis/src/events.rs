//! Events of a project: `events.lua` with its argument and answer. The scripts that change jobs
//! write them, and only while somebody asks for them now and then.

use std::time::Duration;

use serde::Serialize;
use spiderq_core::{
    error::Result,
    limits::{EVENTS_TTL, NOTIFICATION_TIMEOUT},
    model::{ProjectId, State},
    store::{EventCursor, Events, JobEvent},
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
    /// Number and stamp; as text, since numbers of Lua are exact up to 2^53 only.
    after: Option<(String, String)>,
    limit: usize,
    /// Milliseconds.
    ttl: u64,
    awaited_ttl: u64,
}

/// How long it is known that somebody waits for a project to exist: a watch asks again before.
const AWAITED_TTL: Duration = NOTIFICATION_TIMEOUT.saturating_mul(4);

pub(crate) async fn read(
    store: &RedisStore,
    project: ProjectId,
    after: Option<EventCursor>,
    limit: usize,
) -> Result<Events> {
    let after = after.map(|after| (after.number.to_string(), after.stamp.to_string()));
    let argument = EventsArg {
        after,
        limit,
        ttl: EVENTS_TTL.as_secs() * 1000,
        awaited_ttl: AWAITED_TTL.as_secs() * 1000,
    };
    let keys = ProjectNames(project).script(None);
    match store.connection.run(&scripts::EVENTS, &keys, &argument).await? {
        outcome::Events::Gone => Ok(Events::Gone),
        outcome::Events::Events((last, stamp), list) => {
            let events =
                list.iter().map(|(number, stamp, text)| event(project, number, stamp, text));
            let events = events.collect::<Result<_>>()?;
            Ok(Events::These { events, last: cursor(&last, &stamp)? })
        }
    }
}

fn cursor(number: &str, stamp: &str) -> Result<EventCursor> {
    let parse = |text: &str| text.parse().map_err(bad_reply);
    Ok(EventCursor { number: parse(number)?, stamp: parse(stamp)? })
}

/// An event from its text: `SPIDER/JOB BEFORE AFTER STOP`.
fn event(project: ProjectId, number: &str, stamp: &str, text: &str) -> Result<JobEvent> {
    let words: Vec<&str> = text.split(' ').collect();
    let [member, before, after, stop] = words[..] else {
        return Err(bad_reply(format!("the event {text:?}")));
    };
    Ok(JobEvent {
        cursor: cursor(number, stamp)?,
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
