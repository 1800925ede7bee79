//! Audit events. Their times never go down with their ids.

use async_trait::async_trait;
use rusqlite::{Connection, Row, named_params};
use spiderq_core::{
    error,
    model::{AuditEvent, Millis, Role},
    store::{AuditPlace, AuditRange, AuditStore},
};

use crate::{
    SqliteStore,
    error::{Result, corrupt},
    job_row::{self, int, project_id},
};

/// Events that one step removes, so that it holds up no other write for long.
const PRUNE_STEP: usize = 1_000;

#[async_trait]
impl AuditStore for SqliteStore {
    async fn add_audit_event(&self, event: AuditEvent) -> error::Result<()> {
        self.writer.call(move |connection| add(connection, &event)).await
    }

    async fn audit_events(
        &self,
        range: AuditRange,
        limit: usize,
    ) -> error::Result<Vec<(AuditPlace, AuditEvent)>> {
        self.readers.call(None, move |connection| list(connection, range, limit)).await
    }

    async fn prune_audit_events(&self, from: Millis, most: u64) -> error::Result<bool> {
        self.writer.call(move |connection| prune(connection, from, most)).await
    }
}

fn add(connection: &Connection, event: &AuditEvent) -> Result<()> {
    let mut statement = connection.prepare_cached(include_str!("sql/insert_audit_event.sql"))?;
    statement.execute(named_params! {
        ":time": bound(event.time),
        ":owner": event.owner,
        ":key_id": event.key_id,
        ":role": event.role.map(Role::as_str),
        ":peer": event.peer,
        ":call": event.call,
        ":project": event.project.map(|project| int(project.get())),
        ":subject": event.subject,
        ":result": event.result,
        ":count": event.count.map(int),
        ":request_id": event.request_id,
    })?;
    Ok(())
}

fn list(
    connection: &Connection,
    range: AuditRange,
    limit: usize,
) -> Result<Vec<(AuditPlace, AuditEvent)>> {
    let after_all = AuditPlace { time: Millis(u64::MAX), number: u64::MAX };
    let before = range.before.unwrap_or(after_all);
    let mut statement = connection.prepare_cached(include_str!("sql/list_audit_events.sql"))?;
    let mut rows = statement.query(named_params! {
        ":from": bound(range.from),
        ":until": bound(range.until),
        ":before_time": bound(before.time),
        ":before_id": bound(Millis(before.number)),
        ":limit": job_row::limit(limit),
    })?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(read(row)?);
    }
    Ok(events)
}

fn read(row: &Row<'_>) -> Result<(AuditPlace, AuditEvent)> {
    let role: Option<String> = row.get("role")?;
    let role = role.map(|role| {
        let known = Role::ALL.into_iter().find(|known| known.as_str() == role);
        known.ok_or_else(|| corrupt("role"))
    });
    let project: Option<i64> = row.get("project")?;
    let time = Millis(row.get::<_, i64>("time")?.cast_unsigned());
    let place = AuditPlace { time, number: row.get::<_, i64>("id")?.cast_unsigned() };
    let event = AuditEvent {
        time,
        owner: row.get("owner")?,
        key_id: row.get("key_id")?,
        role: role.transpose()?,
        peer: row.get("peer")?,
        call: row.get("call")?,
        project: project.map(project_id).transpose()?,
        subject: row.get("subject")?,
        result: row.get("result")?,
        count: row.get::<_, Option<i64>>("count")?.map(i64::cast_unsigned),
        request_id: row.get("request_id")?,
    };
    Ok((place, event))
}

fn prune(connection: &Connection, from: Millis, most: u64) -> Result<bool> {
    let mut statement = connection.prepare_cached(include_str!("sql/prune_audit_events.sql"))?;
    let removed = statement.execute(named_params! {
        ":from": bound(from),
        ":most": bound(Millis(most)),
        ":limit": job_row::limit(PRUNE_STEP),
    })?;
    Ok(removed == PRUNE_STEP)
}

/// A number to compare with those that SQLite keeps signed.
fn bound(number: Millis) -> i64 {
    i64::try_from(number.0).unwrap_or(i64::MAX)
}
