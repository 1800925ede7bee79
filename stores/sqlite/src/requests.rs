//! Request ids: answers kept beside what they answered, in the same transaction. Knows no
//! call but by how its answer is written down.

use crate::error::Result;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::{
    error::corrupt,
    row::{first, int, job_id, spider_id},
};
use spiderq_core::{
    error::Error,
    model::{JobKey, Millis, ProjectId, State},
    store::{Changed, Pushed, RequestDigest, RunningLimit},
};

/// Most old answers forgotten with each new one: more than come in.
const FORGET: i64 = 4;

/// The answer kept for this request.
pub(super) fn recall(
    connection: &Connection,
    project: ProjectId,
    request: Option<&RequestDigest>,
    now: Millis,
) -> Result<Option<Value>> {
    let Some(request) = request else {
        return Ok(None);
    };
    let sql = "SELECT fingerprint, reply FROM requests \
               WHERE project = ?1 AND id = ?2 AND expires > ?3";
    let key = params![int(project.get()), request.id, int(now.0)];
    let kept: Option<(String, String)> =
        first(connection, sql, key, |row| Ok((row.get(0)?, row.get(1)?)))?;
    match kept {
        None => Ok(None),
        Some((fingerprint, _)) if fingerprint != request.fingerprint => {
            Err(Error::RequestIdReused.into())
        }
        Some((_, reply)) => serde_json::from_str(&reply).map(Some).map_err(|_| corrupt("reply")),
    }
}

/// Keeps the answer, and forgets a few that are past their time.
pub(super) fn keep(
    connection: &Connection,
    project: ProjectId,
    request: Option<&RequestDigest>,
    now: Millis,
    reply: impl FnOnce() -> Value,
) -> Result<()> {
    let Some(request) = request else {
        return Ok(());
    };
    forget(connection, now)?;
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO requests VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute(params![
        int(project.get()),
        request.id,
        request.fingerprint,
        reply().to_string(),
        int(request.expires.0)
    ])?;
    Ok(())
}

/// One by one: SQLite would go through all of a project to delete them by a list.
fn forget(connection: &Connection, now: Millis) -> Result<()> {
    let mut old = connection.prepare_cached(
        "SELECT project, id FROM requests WHERE expires <= ?1 ORDER BY expires LIMIT ?2",
    )?;
    let keys: Vec<(i64, String)> = old
        .query_map(params![int(now.0), FORGET], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut delete =
        connection.prepare_cached("DELETE FROM requests WHERE project = ?1 AND id = ?2")?;
    for key in keys {
        delete.execute(key)?;
    }
    Ok(())
}

/// A push's answer for each job: `[spider, job]`, null for a duplicate, the number of a limit.
pub(super) fn encode_pushed(pushed: &[Pushed]) -> Value {
    pushed
        .iter()
        .map(|pushed| match pushed {
            Pushed::Added(key) => json!([key.spider.get(), key.job.get()]),
            Pushed::Duplicate => Value::Null,
            Pushed::TooManyTags => json!(false),
            Pushed::AtLimit(limit) => json!(limit.index()),
        })
        .collect()
}

/// Back from [`encode_pushed`].
pub(super) fn decode_pushed(project: ProjectId, reply: &Value) -> Result<Vec<Pushed>> {
    let rows = reply.as_array().ok_or_else(|| corrupt("reply"))?;
    rows.iter()
        .map(|row| {
            if row.is_null() {
                return Ok(Pushed::Duplicate);
            }
            if row.is_boolean() {
                return Ok(Pushed::TooManyTags);
            }
            if row.is_number() {
                let limit = limit(row).ok_or_else(|| corrupt("reply"))?;
                return Ok(Pushed::AtLimit(limit));
            }
            decode_key(project, row).map(Pushed::Added)
        })
        .collect()
}

/// A job's key within its project: the first two of `row`.
pub(super) fn decode_key(project: ProjectId, row: &Value) -> Result<JobKey> {
    let number = |n: usize| row[n].as_i64().ok_or_else(|| corrupt("reply"));
    Ok(JobKey { project, spider: spider_id(number(0)?)?, job: job_id(number(1)?)? })
}

/// A change's answer: a code for each job, then what goes with it.
pub(super) fn encode_changed(changed: &[Changed]) -> Value {
    changed
        .iter()
        .map(|changed| match changed {
            Changed::Missing => json!(["missing"]),
            Changed::Refused(state) => json!(["refused", state.as_str()]),
            Changed::Stale => json!(["stale"]),
            Changed::NotHeld => json!(["not_held"]),
            Changed::TooManyTags => json!(["too_many_tags"]),
            Changed::TooLarge => json!(["too_large"]),
            Changed::AtLimit(limit) => json!(["at_limit", limit.index()]),
            Changed::Kept(state) => json!(["kept", state.as_str()]),
            Changed::Applied { previous, attempt, stop_requested } => {
                json!(["applied", previous.as_str(), attempt, stop_requested])
            }
        })
        .collect()
}

/// Back from [`encode_changed`].
pub(super) fn decode_changed(reply: &Value) -> Result<Vec<Changed>> {
    let rows = reply.as_array().ok_or_else(|| corrupt("reply"))?;
    rows.iter().map(|row| decode_change(row).ok_or_else(|| corrupt("reply"))).collect()
}

fn limit(number: &Value) -> Option<RunningLimit> {
    let index = usize::try_from(number.as_u64()?).ok()?;
    RunningLimit::ALL.get(index).copied()
}

fn decode_change(row: &Value) -> Option<Changed> {
    let state = || State::parse(row[1].as_str()?).ok();
    Some(match row[0].as_str()? {
        "missing" => Changed::Missing,
        "refused" => Changed::Refused(state()?),
        "stale" => Changed::Stale,
        "not_held" => Changed::NotHeld,
        "too_many_tags" => Changed::TooManyTags,
        "too_large" => Changed::TooLarge,
        "at_limit" => Changed::AtLimit(limit(&row[1])?),
        "kept" => Changed::Kept(state()?),
        "applied" => Changed::Applied {
            previous: state()?,
            attempt: row[2].as_u64()?.try_into().ok()?,
            stop_requested: row[3].as_bool()?,
        },
        _ => return None,
    })
}
