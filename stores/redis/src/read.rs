//! Reading jobs by key, in one trip; both hashes of a job in one transaction.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::{
    RedisStore,
    keys::Keys,
    record::{self, CORE, Flat, is_row_field, small_field},
};
use spiderq_core::{
    error::{Error, Result},
    model::FieldSelection,
    model::{FieldName, Job, JobKey, ProjectId},
};

/// The values of the fields that were asked for, in their order.
type Values = Vec<Option<String>>;

/// [`Store::get`](spiderq_core::store::Store::get).
pub(super) async fn get(
    store: &RedisStore,
    keys: &[JobKey],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    let mut projects: BTreeMap<ProjectId, Vec<usize>> = BTreeMap::new();
    for (place, key) in keys.iter().enumerate() {
        projects.entry(key.project).or_default().push(place);
    }
    let reads = projects.into_values().map(|places| async move {
        let keys: Vec<JobKey> = places.iter().map(|place| keys[*place]).collect();
        let jobs = of_project(store, &keys, fields).await?;
        Ok::<Vec<_>, Error>(places.into_iter().zip(jobs).collect())
    });
    let mut found: Vec<Option<Job>> = keys.iter().map(|_| None).collect();
    for (place, job) in try_join_all(reads).await?.into_iter().flatten() {
        found[place] = job;
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
        FieldSelection::Row => some(store, keys, &[], fields).await,
        FieldSelection::Named(names) => some(store, keys, names, fields).await,
    }
}

async fn whole(store: &RedisStore, keys: &[JobKey]) -> Result<Vec<Option<Job>>> {
    let mut pipe = redis::pipe();
    pipe.atomic();
    for key in keys {
        pipe.hgetall(Keys::job(*key)).hgetall(Keys::large(*key));
    }
    let replies: Vec<Vec<(String, String)>> = store.connection.pipe(&pipe).await?;
    let flat = |hash: Vec<(String, String)>| hash.into_iter().flat_map(|(f, v)| [f, v]).collect();
    let mut replies = replies.into_iter();
    keys.iter()
        .map(|key| {
            let core: Flat = replies.next().map(flat).unwrap_or_default();
            let large: Flat = replies.next().map(flat).unwrap_or_default();
            record::decode(*key, core, large, &FieldSelection::Full)
        })
        .collect()
}

async fn some(
    store: &RedisStore,
    keys: &[JobKey],
    names: &[FieldName],
    fields: &FieldSelection,
) -> Result<Vec<Option<Job>>> {
    let names = names.iter().map(FieldName::as_str);
    let large: Vec<String> = names.filter(|name| !is_row_field(name)).map(str::to_owned).collect();
    let row = FieldSelection::ROW.iter().copied();
    let small = row.chain(large.iter().map(String::as_str)).map(small_field);
    let core: Vec<String> = CORE.map(str::to_owned).into_iter().chain(small).collect();
    let mut pipe = redis::pipe();
    if !large.is_empty() {
        pipe.atomic();
    }
    for key in keys {
        pipe.hmget(Keys::job(*key), &core);
        if !large.is_empty() {
            pipe.hmget(Keys::large(*key), &large);
        }
    }
    let replies: Vec<Values> = store.connection.pipe(&pipe).await?;
    let mut replies = replies.into_iter();
    keys.iter()
        .map(|key| {
            let found = flat(&core, replies.next());
            let found_large = match large.as_slice() {
                [] => Flat::new(),
                names => flat(names, replies.next()),
            };
            record::decode(*key, found, found_large, fields)
        })
        .collect()
}

/// FieldSelection with their values, without those that are not there.
fn flat(fields: &[String], values: Option<Values>) -> Flat {
    let values = values.unwrap_or_default();
    let pairs = fields.iter().zip(values);
    pairs.filter_map(|(field, value)| Some([field.clone(), value?])).flatten().collect()
}
