//! How much memory jobs will take, asked before they are read: one step reads no more than it may
//! hold.

use spiderq_compression::text_length;
use spiderq_core::{
    error::Result,
    limits::MAX_STORE_PAGE_BYTES,
    model::{FIELD_MEMORY, FieldName, FieldSelection, JOB_MEMORY, JobKey},
    store::PageRoom,
};

use crate::{
    RedisStore,
    large::LargeValues,
    names::ProjectNames,
    record::{SIZE, small_field},
    rows::by_project,
};

/// Numbers that a pipeline answers with; `None` where there is no such field.
type Numbers = Vec<Option<usize>>;

/// How many of `keys`, from the first on, fill the room of a step.
pub(crate) async fn fitting(
    store: &RedisStore,
    keys: &[JobKey],
    fields: &FieldSelection,
) -> Result<usize> {
    if keys.len() < 2 {
        return Ok(keys.len());
    }
    let names: &[FieldName] = match fields {
        FieldSelection::Full => {
            return by_project(keys, |keys| whole(store, keys)).await.map(in_room);
        }
        FieldSelection::Row => &[],
        FieldSelection::Named(names) => names,
    };
    let most = by_project(keys, |keys| all_metadata(store, keys)).await?;
    if all_fit(&most) {
        return Ok(keys.len());
    }
    // Most of it may be in fields that nobody asks for.
    let stored = by_project(keys, |keys| selected(store, keys, names)).await?;
    let fitting = in_room(stored.iter().map(|size| size.small + size.large).collect());
    let (keys, stored) = (&keys[..fitting], &stored[..fitting]);
    if stored.iter().all(|size| size.large == 0) {
        return Ok(fitting);
    }
    // Only the values themselves say how long they are uncompressed. In all they fit.
    let texts = by_project(keys, |keys| texts(store, keys, names)).await?;
    Ok(in_room(stored.iter().zip(texts).map(|(size, texts)| size.small + texts).collect()))
}

/// Bytes that Redis keeps of what is selected of a job.
#[derive(Default)]
struct Stored {
    /// With what each job takes.
    small: usize,
    /// Maybe compressed.
    large: usize,
}

/// Whether jobs with so many bytes of metadata each fill no more than a step, whatever of them is
/// read but the whole.
pub(crate) fn all_fit(bytes: &[usize]) -> bool {
    bytes.iter().map(|bytes| JOB_MEMORY + bytes).sum::<usize>() < MAX_STORE_PAGE_BYTES
}

fn in_room(sizes: Vec<usize>) -> usize {
    let mut room = PageRoom::default();
    let before_last = sizes.iter().take_while(|size| room.take(**size)).count();
    (before_last + 1).min(sizes.len())
}

async fn whole(store: &RedisStore, keys: Vec<JobKey>) -> Result<Vec<usize>> {
    let mut pipe = redis::pipe();
    for key in &keys {
        let (core, large) = (ProjectNames::job(*key), ProjectNames::large(*key));
        pipe.hget(&core, SIZE).hlen(core).hlen(large);
    }
    let replies: Numbers = store.connection.pipe(&pipe).await?;
    let size = |reply: &[Option<usize>]| match *reply {
        [bytes, core, large] => {
            let fields = core.unwrap_or(0) + large.unwrap_or(0);
            JOB_MEMORY + bytes.unwrap_or(0) + fields * FIELD_MEMORY
        }
        _ => 0,
    };
    Ok(replies.chunks(3).map(size).collect())
}

async fn all_metadata(store: &RedisStore, keys: Vec<JobKey>) -> Result<Vec<usize>> {
    let mut pipe = redis::pipe();
    for key in &keys {
        pipe.hget(ProjectNames::job(*key), SIZE);
    }
    let replies: Numbers = store.connection.pipe(&pipe).await?;
    Ok(replies.into_iter().map(|bytes| bytes.unwrap_or(0)).collect())
}

async fn selected(
    store: &RedisStore,
    keys: Vec<JobKey>,
    names: &[FieldName],
) -> Result<Vec<Stored>> {
    let named = names.iter().map(FieldName::as_str);
    let names: Vec<&str> = FieldSelection::ROW.into_iter().chain(named).collect();
    let mut pipe = redis::pipe();
    for key in &keys {
        for name in &names {
            pipe.cmd("HSTRLEN").arg(ProjectNames::job(*key)).arg(small_field(name));
            pipe.cmd("HSTRLEN").arg(ProjectNames::large(*key)).arg(name);
        }
    }
    let replies: Numbers = store.connection.pipe(&pipe).await?;
    let size = |reply: &[Option<usize>]| {
        let sum = |skip| reply.iter().skip(skip).step_by(2).flatten().sum::<usize>();
        Stored { small: JOB_MEMORY + sum(0), large: sum(1) }
    };
    Ok(replies.chunks(2 * names.len()).map(size).collect())
}

/// Bytes of the selected larger metadata, uncompressed. `names` is not empty.
async fn texts(store: &RedisStore, keys: Vec<JobKey>, names: &[FieldName]) -> Result<Vec<usize>> {
    let names: Vec<&str> = names.iter().map(FieldName::as_str).collect();
    let mut pipe = redis::pipe();
    for key in &keys {
        pipe.hmget(ProjectNames::large(*key), &names);
    }
    let replies: Vec<LargeValues> = store.connection.pipe(&pipe).await?;
    // What cannot be read is an error of its own when it is read.
    let length = |value: &Vec<u8>| text_length(value).unwrap_or(value.len());
    let size = |values: LargeValues| values.iter().flatten().map(length).sum();
    Ok(replies.into_iter().map(size).collect())
}
