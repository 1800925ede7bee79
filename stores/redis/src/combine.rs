//! Pushes that come while one is under way go together in the next script: Redis then reads
//! names and counters once for all of them, as SQLite's writer syncs once. Answers are each
//! caller's own. Pushes under a request id keep their own step, and do not come here.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    connection::{Connection, DEADLINE},
    push,
};
use spiderq_core::{
    error::{Error, Result},
    model::{Millis, ProjectId},
    store::{MAX_BATCH, NewJob, Pushed},
};

/// A push that waits for its turn.
struct Waiting {
    jobs: Vec<NewJob>,
    now: Millis,
    /// When its caller gives up.
    until: Instant,
    answer: oneshot::Sender<Result<Vec<Pushed>>>,
}

/// The pushes that wait, by project. A project is here while a task works for it.
type Queues = Mutex<HashMap<ProjectId, VecDeque<Waiting>>>;

/// Puts pushes of one project together.
#[derive(Clone)]
pub(super) struct Combiner {
    connection: Connection,
    queues: Arc<Queues>,
}

impl Combiner {
    pub(super) fn new(connection: Connection) -> Self {
        let queues = Arc::default();
        Self { connection, queues }
    }

    /// [`Store::push`](spiderq_core::store::Store::push) without a request id.
    pub(super) async fn push(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
    ) -> Result<Vec<Pushed>> {
        let (answer, answered) = oneshot::channel();
        let until = Instant::now() + DEADLINE;
        let waiting = Waiting { jobs, now, until, answer };
        match self.queues().entry(project) {
            Entry::Occupied(mut queue) => queue.get_mut().push_back(waiting),
            Entry::Vacant(queue) => {
                queue.insert(VecDeque::from([waiting]));
                // A task of its own: a caller that goes away must not stop the others.
                tokio::spawn(self.clone().work(project));
            }
        }
        let gone = |_| Err(Error::unavailable("the push was dropped at shutdown"));
        answered.await.unwrap_or_else(gone)
    }

    /// Works until nothing waits.
    async fn work(self, project: ProjectId) {
        while let Some(batch) = self.take(project) {
            let now = batch.iter().map(|waiting| waiting.now).max();
            let jobs: Vec<&NewJob> = batch.iter().flat_map(|waiting| &waiting.jobs).collect();
            let pushing =
                push::push(&self.connection, project, &jobs, now.unwrap_or_default(), None);
            // Not beyond the first caller's patience: nothing is pushed for who has gone.
            let until = batch.iter().map(|waiting| waiting.until).min();
            let late = timeout_at(until.unwrap_or_else(Instant::now), pushing).await;
            answer(batch, late.unwrap_or_else(|late| Err(Error::unavailable(late))));
        }
    }

    /// What waits, up to [`MAX_BATCH`] jobs; with nothing waiting, the project leaves.
    fn take(&self, project: ProjectId) -> Option<Vec<Waiting>> {
        let mut queues = self.queues();
        let queue = queues.get_mut(&project)?;
        let (mut batch, mut jobs) = (Vec::new(), 0);
        // Who has given up, at its deadline or with its client, gets nothing pushed any more.
        queue.retain(|waiting| !waiting.answer.is_closed());
        while let Some(next) = queue.front() {
            jobs += next.jobs.len();
            if jobs > MAX_BATCH && !batch.is_empty() {
                break;
            }
            batch.extend(queue.pop_front());
        }
        if batch.is_empty() {
            queues.remove(&project);
            return None;
        }
        Some(batch)
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<ProjectId, VecDeque<Waiting>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each its part. A caller that went away is no fault.
fn answer(batch: Vec<Waiting>, pushed: Result<Vec<Pushed>>) {
    let mut pushed = pushed.map(Vec::into_iter);
    for waiting in batch {
        let part = match &mut pushed {
            Ok(all) => Ok(all.by_ref().take(waiting.jobs.len()).collect()),
            Err(error) => Err(again(error)),
        };
        let _ = waiting.answer.send(part);
    }
}

/// The same error for another caller.
fn again(error: &Error) -> Error {
    let cause = std::error::Error::source(error);
    let text = cause.map_or_else(|| error.to_string(), ToString::to_string);
    match error {
        Error::Unavailable { .. } => Error::unavailable(text),
        Error::Invalid { .. }
        | Error::Unauthenticated
        | Error::Forbidden(_)
        | Error::NotFound(_)
        | Error::Duplicate(_)
        | Error::WrongState(_)
        | Error::AtLimit(_)
        | Error::Stale(_)
        | Error::RequestIdReused
        | Error::CursorGone
        | Error::SlowReader(_)
        | Error::ShuttingDown
        | Error::TooLarge { .. }
        | Error::Bug(_) => Error::bug(text),
    }
}

impl fmt::Debug for Combiner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Combiner(…)")
    }
}
