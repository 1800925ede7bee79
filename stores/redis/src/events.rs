//! Events of a project: `events.lua` with its argument and answer. The scripts that change jobs
//! write them, and only while somebody asks for them now and then.

use serde::Serialize;

use super::{
    RedisStore,
    errors::bad_reply,
    keys::Keys,
    reply::{job_key, state_at},
    scripts,
};
use spiderq_core::{
    error::Result,
    model::{ProjectId, State},
    store::{Events, JobEvent},
};

/// How long events are kept after the last time that somebody asked for them, ms.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;

#[derive(Serialize)]
struct EventsArg {
    after: Option<u64>,
    limit: usize,
    ttl: u64,
}

/// [`Store::events`](spiderq_core::store::Store::events).
pub(super) async fn events(
    store: &RedisStore,
    project: ProjectId,
    after: Option<u64>,
    limit: usize,
) -> Result<Events> {
    let argument = EventsArg { after, limit, ttl: KEPT_MS };
    let keys = Keys(project).script(None);
    let script = &scripts::EVENTS;
    let reply: Option<(u64, Vec<String>)> = store.connection.run(script, &keys, &argument).await?;
    let Some((last, flat)) = reply else {
        return Ok(Events::Gone);
    };
    let events = flat.chunks_exact(2).map(|pair| event(project, pair));
    let events = events.collect::<Result<_>>()?;
    Ok(Events::These { events, last })
}

fn event(project: ProjectId, pair: &[String]) -> Result<JobEvent> {
    let bad = || bad_reply("an event");
    let [number, text] = pair else {
        return Err(bad());
    };
    let mut words = text.split(' ');
    let mut word = || words.next().ok_or_else(bad);
    let (member, before, after, stop) = (word()?, word()?, word()?, word()?);
    let state = |index: &str| -> Result<State> { state_at(index.parse().map_err(|_| bad())?) };
    Ok(JobEvent {
        number: number.parse().map_err(|_| bad())?,
        key: job_key(project, member)?,
        state: state(after)?,
        previous: (!before.is_empty()).then(|| state(before)).transpose()?,
        stop: stop == "1",
    })
}
