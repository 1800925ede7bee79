//! Request ids: answers kept beside what they answered, in the same transaction. Knows no call
//! but by how its answer is written down.

use rusqlite::{Connection, named_params, params};
use serde_json::{Value, json};
use spiderq_core::{
    error::Error,
    model::{Fence, JobKey, Millis, Position, ProjectId, State},
    store::{AddOutcome, Added, Changed, Claimed, KeptAnswers, RequestDigest},
};

use crate::{
    error::{Result, StepError, corrupt},
    job_row::{decode_tags, encode_tags, first, int, job_id, spider_id},
};

/// Expired answers forgotten with each new one. More than one, so that they become fewer.
const FORGOTTEN_PER_ANSWER: i64 = 4;

/// A call of a project that is done once for its request id, if it has one.
pub(crate) struct Once {
    pub(crate) project: ProjectId,
    pub(crate) request_id: Option<RequestDigest>,
    pub(crate) now: Millis,
}

impl Once {
    /// Answers what was answered before; else does the work and keeps its answer, unless
    /// `encode` says that there is none to keep.
    pub(crate) fn run<T>(
        &self,
        connection: &Connection,
        work: impl FnOnce() -> Result<T>,
        encode: impl FnOnce(&T) -> Option<Value>,
        decode: impl FnOnce(&Value) -> Result<T>,
    ) -> Result<T> {
        let Some(id) = &self.request_id else {
            return work();
        };
        if let Some(reply) = self.recall(connection, id)? {
            return decode(&reply);
        }
        let answer = work()?;
        if let Some(reply) = encode(&answer) {
            self.keep(connection, id, &reply)?;
        }
        Ok(answer)
    }

    /// The same for a call of several parts, each of which is done or refused on its own. `work`
    /// gets those that have no answer yet.
    pub(crate) fn run_parts<P, T: PartAnswer>(
        &self,
        connection: &Connection,
        parts: Vec<P>,
        all_or_nothing: bool,
        work: impl FnOnce(Vec<P>) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let Some(id) = &self.request_id else {
            return work(parts);
        };
        let answers = match self.recall(connection, id)? {
            None => work(parts)?,
            Some(reply) => match decode_parts(self.project, &reply)?.whole() {
                Ok(answers) => return Ok(answers),
                Err(kept) => kept.complete(parts, work)?,
            },
        };
        if let Some(kept) = KeptAnswers::of(&answers, all_or_nothing, T::is_refusal) {
            self.keep(connection, id, &encode_parts(&kept))?;
        }
        Ok(answers)
    }

    fn recall(&self, connection: &Connection, id: &RequestDigest) -> Result<Option<Value>> {
        let sql = "SELECT fingerprint, reply FROM request_ids \
                   WHERE project = ?1 AND id = ?2 AND expires > ?3";
        let key = params![int(self.project.get()), id.id, int(self.now.0)];
        let kept: Option<(String, String)> =
            first(connection, sql, key, |row| Ok((row.get("fingerprint")?, row.get("reply")?)))?;
        match kept {
            None => Ok(None),
            Some((fingerprint, _)) if fingerprint != id.fingerprint => {
                Err(Error::RequestIdReused.into())
            }
            Some((_, reply)) => serde_json::from_str(&reply).map(Some).map_err(|_| damaged()),
        }
    }

    fn keep(&self, connection: &Connection, id: &RequestDigest, reply: &Value) -> Result<()> {
        forget(connection, self.now)?;
        let mut statement = connection.prepare_cached(
            "INSERT OR REPLACE INTO request_ids (project, id, fingerprint, reply, expires) \
             VALUES (:project, :id, :fingerprint, :reply, :expires)",
        )?;
        statement.execute(named_params! {
            ":project": int(self.project.get()),
            ":id": id.id,
            ":fingerprint": id.fingerprint,
            ":reply": reply.to_string(),
            ":expires": int(id.expires.0),
        })?;
        Ok(())
    }
}

/// One by one: SQLite would go through all of a project to delete them by a list.
fn forget(connection: &Connection, now: Millis) -> Result<()> {
    let mut expired = connection.prepare_cached(
        "SELECT project, id FROM request_ids WHERE expires <= ?1 ORDER BY expires LIMIT ?2",
    )?;
    let keys: Vec<(i64, String)> = expired
        .query_map(params![int(now.0), FORGOTTEN_PER_ANSWER], |row| {
            Ok((row.get("project")?, row.get("id")?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut delete =
        connection.prepare_cached("DELETE FROM request_ids WHERE project = ?1 AND id = ?2")?;
    for key in keys {
        delete.execute(key)?;
    }
    Ok(())
}

fn damaged() -> StepError {
    corrupt("reply")
}

/// A claim's answer. The fence is that of the first call: the job may have another one by now.
pub(crate) fn encode_claimed(Claimed { job, fence }: &Claimed) -> Value {
    json!([job.key.spider.get(), job.key.job.get(), fence.expose()])
}

/// Back from [`encode_claimed`].
pub(crate) fn decode_claimed(project: ProjectId, reply: &Value) -> Result<(JobKey, Fence)> {
    let fence = reply[2].as_str().and_then(|text| Fence::parse(text).ok());
    Ok((decode_key(project, reply)?, fence.ok_or_else(damaged)?))
}

fn decode_key(project: ProjectId, row: &Value) -> Result<JobKey> {
    let number = |index: usize| row[index].as_i64().ok_or_else(damaged);
    Ok(JobKey { project, spider: spider_id(number(0)?)?, job: job_id(number(1)?)? })
}

/// The answer to one part of a call, as it is kept. A refusal never is.
pub(crate) trait PartAnswer: Clone {
    fn is_refusal(&self) -> bool;
    fn encode(&self) -> Value;
    fn decode(project: ProjectId, row: &Value) -> Result<Self>;
}

/// `[spider, job, position, time, tags]` of the job that was added.
impl PartAnswer for AddOutcome {
    fn is_refusal(&self) -> bool {
        self.is_err()
    }

    fn encode(&self) -> Value {
        let Ok(Added { key, position, time, tags }) = self else {
            return Value::Null;
        };
        json!([key.spider.get(), key.job.get(), position.0, time.0, encode_tags(tags)])
    }

    fn decode(project: ProjectId, row: &Value) -> Result<Self> {
        let number = |index: usize| row[index].as_u64().ok_or_else(damaged);
        Ok(Ok(Added {
            key: decode_key(project, row)?,
            position: Position(number(2)?),
            time: Millis(number(3)?),
            tags: decode_tags(row[4].as_str().ok_or_else(damaged)?)?,
        }))
    }
}

/// A word, then what goes with it.
impl PartAnswer for Changed {
    fn is_refusal(&self) -> bool {
        self.is_refusal()
    }

    fn encode(&self) -> Value {
        match self {
            Self::Missing => json!(["missing"]),
            Self::Kept(state) => json!(["kept", state.as_str()]),
            Self::Applied { previous, attempt, stop_requested, written } => {
                json!(["applied", previous.as_str(), attempt, stop_requested, written.0])
            }
            Self::Refused(_)
            | Self::Stale
            | Self::NotHeld
            | Self::WrittenSince
            | Self::TooManyTags
            | Self::TooLarge
            | Self::AtLimit(_) => Value::Null,
        }
    }

    fn decode(_: ProjectId, row: &Value) -> Result<Self> {
        decode_change(row).ok_or_else(damaged)
    }
}

fn decode_change(row: &Value) -> Option<Changed> {
    let state = || State::parse(row[1].as_str()?).ok();
    Some(match row[0].as_str()? {
        "missing" => Changed::Missing,
        "kept" => Changed::Kept(state()?),
        "applied" => Changed::Applied {
            previous: state()?,
            attempt: row[2].as_u64()?.try_into().ok()?,
            stop_requested: row[3].as_bool()?,
            written: Millis(row[4].as_u64()?),
        },
        _ => return None,
    })
}

fn encode_parts<T: PartAnswer>(kept: &KeptAnswers<T>) -> Value {
    let encode = |part: &Option<T>| part.as_ref().map_or(Value::Null, T::encode);
    kept.0.iter().map(encode).collect()
}

fn decode_parts<T: PartAnswer>(project: ProjectId, reply: &Value) -> Result<KeptAnswers<T>> {
    let decode = |row: &Value| (!row.is_null()).then(|| T::decode(project, row)).transpose();
    let rows = reply.as_array().ok_or_else(damaged)?;
    rows.iter().map(decode).collect::<Result<_>>().map(KeptAnswers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_answer_that_is_damaged_is_an_error_and_no_default() {
        let project = ProjectId::new(1).unwrap();
        for reply in [json!([1, 2]), json!([1, 2, ""]), json!([1, 2, 3]), json!({})] {
            assert!(decode_claimed(project, &reply).is_err(), "{reply}");
        }
        for reply in [json!([[1]]), json!([[1, 2]]), json!([["kept"]]), json!([["x"]]), json!({})] {
            assert!(decode_parts::<AddOutcome>(project, &reply).is_err(), "{reply}");
            assert!(decode_parts::<Changed>(project, &reply).is_err(), "{reply}");
        }
    }
}
