//! Pushes that come while one is under way go together in the next script: Redis then reads
//! names and counters once for all of them, as SQLite's writer syncs once. Each caller gets the
//! answers of its own jobs. Pushes under a request id keep their own step, and do not come here.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use spiderq_core::{
    error::{Error, Result},
    model::{Millis, ProjectId},
    store::{AddOutcome, MAX_BATCH, NewJob},
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{
    link::{CALL_TIMEOUT, Connection},
    push,
};

/// A push that waits to be sent.
struct Waiting {
    jobs: Vec<NewJob>,
    now: Millis,
    /// When its caller gives up.
    deadline: Instant,
    answer: oneshot::Sender<Result<Vec<AddOutcome>>>,
}

/// The pushes that wait, by project. A project is here while a task works for it.
type Queues = Mutex<HashMap<ProjectId, VecDeque<Waiting>>>;

/// Puts pushes of one project together.
#[derive(Clone)]
pub(crate) struct PushBatcher {
    connection: Connection,
    queues: Arc<Queues>,
}

impl PushBatcher {
    pub(crate) fn new(connection: Connection) -> Self {
        let queues = Arc::default();
        Self { connection, queues }
    }

    pub(crate) async fn push(
        &self,
        project: ProjectId,
        jobs: Vec<NewJob>,
        now: Millis,
    ) -> Result<Vec<AddOutcome>> {
        let (answer, answered) = oneshot::channel();
        let deadline = Instant::now() + CALL_TIMEOUT;
        let waiting = Waiting { jobs, now, deadline, answer };
        match self.queues().entry(project) {
            Entry::Occupied(mut queue) => queue.get_mut().push_back(waiting),
            Entry::Vacant(queue) => {
                queue.insert(VecDeque::from([waiting]));
                // A task of its own: a caller that goes away must not stop the others.
                tokio::spawn(self.clone().work(project));
            }
        }
        let dropped = |_| Err(Error::unavailable("the push was dropped at shutdown"));
        answered.await.unwrap_or_else(dropped)
    }

    /// Sends batches until no push of the project waits.
    async fn work(self, project: ProjectId) {
        while let Some((first, others)) = self.take(project) {
            let batch = || std::iter::once(&first).chain(&others);
            let now = batch().fold(first.now, |now, waiting| now.max(waiting.now));
            // Not beyond the first deadline: nothing is pushed for a caller that has gone.
            let deadline = batch().fold(first.deadline, |at, waiting| at.min(waiting.deadline));
            let jobs: Vec<&NewJob> = batch().flat_map(|waiting| &waiting.jobs).collect();
            let pushing = push::push(&self.connection, project, &jobs, now, None);
            let pushed = timeout_at(deadline, pushing).await;
            let pushed = pushed.unwrap_or_else(|late| Err(Error::unavailable(late)));
            answer(std::iter::once(first).chain(others), pushed);
        }
    }

    /// The pushes that wait, up to [`MAX_BATCH`] jobs; if none waits, the project leaves.
    fn take(&self, project: ProjectId) -> Option<(Waiting, Vec<Waiting>)> {
        let mut queues = self.queues();
        let queue = queues.get_mut(&project)?;
        // A caller that has given up, at its deadline or with its client, gets nothing pushed.
        queue.retain(|waiting| !waiting.answer.is_closed());
        let Some(first) = queue.pop_front() else {
            queues.remove(&project);
            return None;
        };
        let (mut others, mut jobs) = (Vec::new(), first.jobs.len());
        while let Some(next) = queue.pop_front_if(|next| jobs + next.jobs.len() <= MAX_BATCH) {
            jobs += next.jobs.len();
            others.push(next);
        }
        Some((first, others))
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<ProjectId, VecDeque<Waiting>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each caller its part. One that has gone away needs none.
fn answer(batch: impl Iterator<Item = Waiting>, pushed: Result<Vec<AddOutcome>>) {
    let mut pushed = pushed.map(Vec::into_iter);
    for waiting in batch {
        let part = match &mut pushed {
            Ok(all) => Ok(all.by_ref().take(waiting.jobs.len()).collect()),
            Err(error) => Err(error.clone()),
        };
        let _ = waiting.answer.send(part);
    }
}

impl fmt::Debug for PushBatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushBatcher(…)")
    }
}
