//! Reading jobs by key, in one trip a project after one that asks how large they are; both hashes
//! of a job as of one moment.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use redis::{FromRedisValue, Pipeline, Value};
use spiderq_core::{
    Turn,
    error::{Error, Result},
    model::{FieldName, FieldSelection, Job, JobKey, ProjectId},
};

use crate::{
    RedisStore,
    error::{bad_reply, damaged_job},
    large::{LargePairs, LargeValues},
    names::ProjectNames,
    record::{
        CORE, POINTED_AT, Pairs, Record, Values, WRITTEN, WRITTEN_COLUMN, is_row_field, small_field,
    },
    sizes::{all_fit, fitting},
};

/// A job, `None` where there is none, or [`Error::JobDamaged`].
type Row = Result<Option<Job>>;

/// The first of the jobs: as many as one step may read, and those before one that cannot be read,
/// which is the error where it is the first. Where metadata of several are read, which
/// may be large, projects take turns.
pub(crate) async fn get(
    store: &RedisStore,
    keys: &[JobKey],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    let _turn = turn(store, keys, fields).await?;
    let fitting = fitting(store, keys, fields).await?;
    read(store, &keys[..fitting], fields).await
}

/// The same, where the bytes of each job's metadata are known.
pub(crate) async fn get_sized(
    store: &RedisStore,
    keys: &[JobKey],
    bytes: &[usize],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    let is_row = matches!(fields, FieldSelection::Row | FieldSelection::Named(_));
    if is_row && all_fit(bytes) {
        let _turn = turn(store, keys, fields).await?;
        return read(store, keys, fields).await;
    }
    get(store, keys, fields).await
}

async fn turn(
    store: &RedisStore,
    keys: &[JobKey],
    fields: &FieldSelection,
) -> Result<Option<Turn>> {
    match (fields, keys) {
        // A look at one job is nobody's long list.
        (FieldSelection::Row, _) | (_, [] | [_]) => Ok(None),
        (FieldSelection::Full | FieldSelection::Named(_), [first, ..]) => {
            store.turns.wait(Some(first.project)).await.map(Some)
        }
    }
}

async fn read(
    store: &RedisStore,
    keys: &[JobKey],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    let rows =
        by_project(keys, |keys| async move { of_project(store, &keys, fields).await }).await?;
    let mut jobs = Vec::with_capacity(rows.len());
    for row in rows {
        match row {
            Err(Error::JobDamaged { .. }) if !jobs.is_empty() => break,
            row => jobs.push(row?),
        }
    }
    Ok(jobs)
}

/// What `read` answers of each key, in the order of the keys. It is asked once a project, as all
/// keys of one trip must be of the same slot.
pub(crate) async fn by_project<T, F>(
    keys: &[JobKey],
    read: impl Fn(Vec<JobKey>) -> F,
) -> Result<Vec<T>>
where
    F: Future<Output = Result<Vec<T>>>,
{
    let mut projects: BTreeMap<ProjectId, Vec<usize>> = BTreeMap::new();
    for (index, key) in keys.iter().enumerate() {
        projects.entry(key.project).or_default().push(index);
    }
    let reads = projects.into_values().map(|indexes| {
        let reading = read(indexes.iter().map(|index| keys[*index]).collect());
        async move { Ok::<Vec<_>, Error>(indexes.into_iter().zip(reading.await?).collect()) }
    });
    let mut found: Vec<(usize, T)> = try_join_all(reads).await?.into_iter().flatten().collect();
    if found.len() != keys.len() {
        return Err(bad_reply("fewer answers than keys"));
    }
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, answer)| answer).collect())
}

async fn of_project(
    store: &RedisStore,
    keys: &[JobKey],
    fields: &FieldSelection,
) -> Result<Vec<Row>> {
    match fields {
        FieldSelection::Full => whole(store, keys).await,
        FieldSelection::Row => some(store, keys, &[]).await,
        FieldSelection::Named(names) => some(store, keys, names).await,
    }
}

async fn whole(store: &RedisStore, keys: &[JobKey]) -> Result<Vec<Row>> {
    let read = |pipe: &mut Pipeline, key| {
        pipe.hgetall(ProjectNames::job(key)).hgetall(ProjectNames::large(key));
    };
    let written = |core: &Pairs| {
        let written = core.iter().find(|(field, _)| field == WRITTEN);
        written.map(|(_, time)| time.clone())
    };
    let job = |key, (core, large): (Pairs, LargePairs)| Record::whole(core, large)?.decode(key);
    both_hashes(store, keys, read, written, job).await
}

/// What to read of a job for a row.
struct RowColumns<'a> {
    /// Fields of the core hash.
    fields: Vec<String>,
    /// Names of metadata that may be small, behind those columns that are none.
    small: Vec<&'a str>,
    /// Those of them that may also be in the other hash.
    named: Vec<&'a str>,
}

impl<'a> RowColumns<'a> {
    fn of(names: &'a [FieldName]) -> Self {
        let named = names.iter().map(FieldName::as_str).filter(|name| !is_row_field(name));
        let named: Vec<&str> = named.collect();
        let small: Vec<&str> = FieldSelection::ROW.into_iter().chain(named.clone()).collect();
        Self { fields: columns(&small), small, named }
    }

    fn record(&self, core: Values) -> Result<Record> {
        Record::of_row(core, self.small.iter().copied())
    }
}

/// From the core hash alone, where it knows of all these names what it does not have.
async fn some(store: &RedisStore, keys: &[JobKey], names: &[FieldName]) -> Result<Vec<Row>> {
    let columns = RowColumns::of(names);
    if !columns.named.iter().all(|name| POINTED_AT.contains(name)) {
        return of_both_hashes(store, keys, &columns).await;
    }
    let mut pipe = redis::pipe();
    for key in keys {
        pipe.hmget(ProjectNames::job(*key), &columns.fields);
    }
    let replies: Vec<Value> = store.connection.pipe(&pipe).await?;
    let mut replies = Replies(replies.into_iter());
    let (mut jobs, mut incomplete) = (Vec::with_capacity(keys.len()), Vec::new());
    for key in keys {
        let record = value(replies.next()?).and_then(|row| columns.record(row));
        if record.as_ref().is_ok_and(Record::points_at_large) {
            incomplete.push(jobs.len());
        }
        let job = record.and_then(|record| record.decode(*key));
        jobs.push(job.map_err(|error| damaged_job(*key, error)));
    }
    if !incomplete.is_empty() {
        let again: Vec<JobKey> = incomplete.iter().map(|index| keys[*index]).collect();
        let complete = of_both_hashes(store, &again, &columns).await?;
        for (index, job) in incomplete.into_iter().zip(complete) {
            jobs[index] = job;
        }
    }
    Ok(jobs)
}

async fn of_both_hashes(
    store: &RedisStore,
    keys: &[JobKey],
    columns: &RowColumns<'_>,
) -> Result<Vec<Row>> {
    let read = |pipe: &mut Pipeline, key| {
        let (core, large) = (ProjectNames::job(key), ProjectNames::large(key));
        pipe.hmget(core, &columns.fields).hmget(large, &columns.named);
    };
    let written = |core: &Values| core.get(WRITTEN_COLUMN).cloned().flatten();
    let job = |key, (core, large): (Values, LargeValues)| {
        let mut record = columns.record(core)?;
        record.add_large(columns.named.iter().copied(), large)?;
        record.decode(key)
    };
    both_hashes(store, keys, read, written, job).await
}

/// Reads both hashes of jobs, each job's as of one moment. Not in a transaction, which a server
/// out of memory refuses, nor in a script for all, which takes Redis four times as long: a job
/// whose last write (`written`, of its core hash) is another one afterwards is read again alone.
async fn both_hashes<C: FromRedisValue, L: FromRedisValue>(
    store: &RedisStore,
    keys: &[JobKey],
    read: impl Fn(&mut Pipeline, JobKey),
    written: impl Fn(&C) -> Option<String>,
    job: impl Fn(JobKey, (C, L)) -> Row,
) -> Result<Vec<Row>> {
    let mut pipe = redis::pipe();
    for key in keys {
        read(&mut pipe, *key);
        pipe.hget(ProjectNames::job(*key), WRITTEN);
    }
    let replies: Vec<Value> = store.connection.pipe(&pipe).await?;
    let mut replies = Replies(replies.into_iter());
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        let (core, large, last) = (replies.next()?, replies.next()?, replies.next()?);
        let found = value(core).and_then(|core: C| {
            let is_one = written(&core) == value::<Option<String>>(last)?;
            Ok((is_one, (core, value(large)?)))
        });
        let found = match found {
            Ok((true, found)) => Ok(found),
            Ok((false, _)) => {
                let mut again = redis::pipe();
                read(&mut again, *key);
                store.connection.read(&again).await
            }
            Err(error) => Err(error),
        };
        let row = found.and_then(|found| job(*key, found));
        rows.push(row.map_err(|error| damaged_job(*key, error)));
    }
    Ok(rows)
}

/// The fields of the core hash for a row with small metadata of these names.
pub(crate) fn columns(small: &[&str]) -> Vec<String> {
    let small = small.iter().copied().map(small_field);
    CORE.into_iter().map(str::to_owned).chain(small).collect()
}

/// The replies of a pipeline: as many as commands.
struct Replies<I>(I);

impl<I: Iterator<Item = Value>> Replies<I> {
    fn next(&mut self) -> Result<Value> {
        self.0.next().ok_or_else(|| bad_reply("fewer replies than commands"))
    }
}

fn value<T: FromRedisValue>(reply: Value) -> Result<T> {
    redis::from_redis_value(reply).map_err(bad_reply)
}
