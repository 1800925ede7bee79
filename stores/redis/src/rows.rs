//! Reading jobs by key, in one trip a project after one that asks how large they are; both hashes
//! of a job in one atomic step.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use redis::Pipeline;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldName, FieldSelection, Job, JobKey, ProjectId},
};

use crate::{
    RedisStore,
    error::bad_reply,
    names::ProjectNames,
    record::{CORE, Pairs, Record, Values, is_row_field, small_field},
    sizes::fitting,
};

/// The first of the jobs, as many as one step may read.
pub(crate) async fn get(
    store: &RedisStore,
    keys: &[JobKey],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    let fitting = fitting(store, keys, fields).await?;
    by_project(&keys[..fitting], |keys| async move { of_project(store, &keys, fields).await }).await
}

/// What `read` answers of each key, in the order of the keys. It is asked once a project, as all
/// keys of one trip must be of the same slot.
pub(crate) async fn by_project<T: Default, F>(
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
    let mut found: Vec<T> = keys.iter().map(|_| T::default()).collect();
    for (index, answer) in try_join_all(reads).await?.into_iter().flatten() {
        found[index] = answer;
    }
    Ok(found)
}

async fn of_project(
    store: &RedisStore,
    keys: &[JobKey],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    match fields {
        FieldSelection::Full => whole(store, keys).await,
        FieldSelection::Row => some(store, keys, &[]).await,
        FieldSelection::Named(names) => some(store, keys, names).await,
    }
}

async fn whole(store: &RedisStore, keys: &[JobKey]) -> Result<Vec<Option<Job>>> {
    let mut pipe = redis::pipe();
    for key in keys {
        pipe.hgetall(ProjectNames::job(*key)).hgetall(ProjectNames::large(*key));
    }
    let replies: Vec<Pairs> = store.connection.read(&pipe).await?;
    let mut replies = Replies(replies.into_iter());
    keys.iter().map(|key| Record::whole(replies.next()?, replies.next()?).decode(*key)).collect()
}

async fn some(
    store: &RedisStore,
    keys: &[JobKey],
    names: &[FieldName],
) -> Result<Vec<Option<Job>>> {
    let names: Vec<&str> =
        names.iter().map(FieldName::as_str).filter(|name| !is_row_field(name)).collect();
    // A named field is in one of the two hashes, by its size.
    let small: Vec<&str> = FieldSelection::ROW.into_iter().chain(names.iter().copied()).collect();
    let columns = columns(&small);
    let mut pipe = Pipeline::new();
    for key in keys {
        pipe.hmget(ProjectNames::job(*key), &columns);
        if !names.is_empty() {
            pipe.hmget(ProjectNames::large(*key), &names);
        }
    }
    // Two hashes of a job must be of one moment.
    let replies: Vec<Values> = if names.is_empty() {
        store.connection.pipe(&pipe).await?
    } else {
        store.connection.read(&pipe).await?
    };
    let mut replies = Replies(replies.into_iter());
    let mut job = |key: &JobKey| {
        let mut record = Record::of_row(replies.next()?, small.iter().copied())?;
        if !names.is_empty() {
            record.add(names.iter().copied(), replies.next()?);
        }
        record.decode(*key)
    };
    keys.iter().map(&mut job).collect()
}

/// The fields of the core hash for a row with small metadata of these names.
pub(crate) fn columns(small: &[&str]) -> Vec<String> {
    let small = small.iter().copied().map(small_field);
    CORE.into_iter().map(str::to_owned).chain(small).collect()
}

/// The replies of a pipeline: as many as commands.
struct Replies<I>(I);

impl<I: Iterator> Replies<I> {
    fn next(&mut self) -> Result<I::Item> {
        self.0.next().ok_or_else(|| bad_reply("fewer replies than commands"))
    }
}
