//! Audit events: one stream. The first part of an entry's id is its event's time.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spiderq_core::{
    error::{Error, Result},
    model::{AuditEvent, Millis, ProjectId, Role},
    store::{AuditPlace, AuditRange, AuditStore},
};

use crate::{RedisStore, error::bad_reply, link::within, names::AUDIT, outcome::Step, scripts};

/// An [`AuditEvent`] as it is kept, but for its time.
#[derive(Serialize, Deserialize)]
struct StoredEvent {
    owner: String,
    key_id: String,
    role: Option<String>,
    peer: String,
    call: String,
    project: Option<u64>,
    subject: String,
    result: String,
    count: Option<u64>,
    request_id: String,
}

/// An id, and the fields of the entry with their values.
type Entry = (String, Vec<(String, Vec<u8>)>);

#[async_trait]
impl AuditStore for RedisStore {
    async fn add_audit_event(&self, event: AuditEvent) -> Result<()> {
        let time = event.time.0.to_string();
        let record = encode(event)?;
        let arguments = [time.as_bytes(), &record];
        let script = &scripts::ADD_AUDIT_EVENT;
        let _: Step = within(self.connection.run_plain(script, AUDIT, &arguments)).await?;
        Ok(())
    }

    async fn audit_events(
        &self,
        range: AuditRange,
        limit: usize,
    ) -> Result<Vec<(AuditPlace, AuditEvent)>> {
        let Some(last) = range.until.0.checked_sub(1) else {
            return Ok(Vec::new());
        };
        let end = match range.before {
            Some(place) if place.time < range.until => {
                format!("({}-{}", place.time.0, place.number)
            }
            Some(_) | None => last.to_string(),
        };
        let mut pipe = redis::pipe();
        let command = pipe.cmd("XREVRANGE").arg(AUDIT).arg(end).arg(range.from.0);
        command.arg("COUNT").arg(limit);
        let (entries,): (Vec<Entry>,) = within(self.connection.pipe(&pipe)).await?;
        entries.into_iter().map(decode).collect()
    }

    /// All at once: Redis frees whole blocks of a stream.
    async fn prune_audit_events(&self, from: Millis, most: u64) -> Result<bool> {
        let mut pipe = redis::pipe();
        pipe.cmd("XTRIM").arg(AUDIT).arg("MINID").arg(from.0).ignore();
        pipe.cmd("XTRIM").arg(AUDIT).arg("MAXLEN").arg(most).ignore();
        let () = within(self.connection.pipe(&pipe)).await?;
        Ok(false)
    }
}

fn encode(event: AuditEvent) -> Result<Vec<u8>> {
    let stored = StoredEvent {
        owner: event.owner,
        key_id: event.key_id,
        role: event.role.map(|role| role.as_str().to_owned()),
        peer: event.peer,
        call: event.call,
        project: event.project.map(ProjectId::get),
        subject: event.subject,
        result: event.result,
        count: event.count,
        request_id: event.request_id,
    };
    rmp_serde::to_vec_named(&stored).map_err(Error::bug)
}

fn decode((id, fields): Entry) -> Result<(AuditPlace, AuditEvent)> {
    let place = place(&id).ok_or_else(|| bad_reply(format!("the id {id:?} of an audit event")))?;
    let record = fields.into_iter().next().map(|(_, record)| record).unwrap_or_default();
    let stored: StoredEvent = rmp_serde::from_slice(&record).map_err(bad_reply)?;
    let role = stored.role.map(|role| {
        let known = Role::ALL.into_iter().find(|known| known.as_str() == role);
        known.ok_or_else(|| bad_reply("an unknown role"))
    });
    let project = stored.project.map(|number| ProjectId::parse(&number.to_string()));
    let event = AuditEvent {
        time: place.time,
        owner: stored.owner,
        key_id: stored.key_id,
        role: role.transpose()?,
        peer: stored.peer,
        call: stored.call,
        project: project.transpose().map_err(bad_reply)?,
        subject: stored.subject,
        result: stored.result,
        count: stored.count,
        request_id: stored.request_id,
    };
    Ok((place, event))
}

/// `MILLISECONDS-NUMBER`.
fn place(id: &str) -> Option<AuditPlace> {
    let (time, number) = id.split_once('-')?;
    Some(AuditPlace { time: Millis(time.parse().ok()?), number: number.parse().ok()? })
}
