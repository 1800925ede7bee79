//! Removing what is too old or too much, and counting how much there is.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::{RedisStore, keys::Keys, record::UNCOUNTED, scripts};
use spiderq_core::{
    error::Result,
    model::{ProjectId, State},
    store::{MAX_BATCH, Retention},
};

/// Jobs that one script counts, and bytes after which it leaves the rest to the next.
const COUNTED: (usize, usize) = (100, 1 << 20);
/// How long one call may count jobs of before they were counted; the next goes on.
const COUNTING: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct PruneArg {
    uncounted: usize,
    state: usize,
    from: Option<u64>,
    jobs: Option<u64>,
    bytes: Option<u64>,
    limit: usize,
}

#[derive(Serialize)]
struct CountArg {
    uncounted: usize,
    state: usize,
    limit: usize,
    most: usize,
}

/// [`Store::prune`](spiderq_core::store::Store::prune). While old jobs are still uncounted, there are
/// more bytes than are known of: what goes by them has to go in any case.
pub(super) async fn prune(
    store: &RedisStore,
    project: ProjectId,
    state: State,
    keep: &Retention,
    limit: usize,
) -> Result<usize> {
    if keep.bytes.is_some() {
        count(store, project, state).await?;
    }
    let argument = PruneArg {
        uncounted: UNCOUNTED,
        state: state.index(),
        from: keep.from.map(|position| position.0),
        jobs: keep.jobs,
        bytes: keep.bytes,
        limit: limit.min(MAX_BATCH),
    };
    let keys = Keys(project).script(None);
    store.connection.run(&scripts::PRUNE, &keys, &argument).await
}

async fn count(store: &RedisStore, project: ProjectId, state: State) -> Result<()> {
    let argument =
        CountArg { uncounted: UNCOUNTED, state: state.index(), limit: COUNTED.0, most: COUNTED.1 };
    let keys = Keys(project).script(None);
    let until = Instant::now() + COUNTING;
    loop {
        let script = &scripts::COUNT_DONE;
        let all: u8 = store.connection.run(script, &keys, &argument).await?;
        if all == 1 || Instant::now() > until {
            return Ok(());
        }
    }
}
