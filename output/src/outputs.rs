//! All outputs of one place: what is known of them, and who has them in hand.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use spiderq_core::{error::Result, model::JobKey};

use crate::{
    Backend, LineFilter, OutputId, OutputKind, Reader, SegmentName, Summary, Wake,
    append::State,
    backend::{LIST_PAGE, Peeked},
    segment,
    tail::Tail,
    wakes::Wakes,
};

/// Outputs whose end is remembered: for one that is not, an append reads the tail first.
const MAX_STATES: usize = 1_000;

/// Appends to outputs and reads them.
#[derive(Clone, Debug)]
pub struct Outputs {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) wakes: Wakes,
    states: Arc<States>,
}

/// Where an output ends, for those who append to it one after the other; `None`: not known.
pub(crate) type SharedState = Arc<tokio::sync::Mutex<Option<State>>>;

#[derive(Debug, Default)]
struct States {
    /// With the number of the use that was the last one.
    known: Mutex<HashMap<OutputId, (SharedState, u64)>>,
    uses: AtomicU64,
}

impl Outputs {
    /// Outputs that are kept in `backend`.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, wakes: Wakes::default(), states: Arc::default() }
    }

    /// Where they are kept.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// Wakes whenever lines of a job are appended by this process, from now on.
    #[must_use]
    pub fn wake(&self, key: JobKey) -> Wake {
        self.wakes.subscribe(key)
    }

    /// All lines of an output in numbers.
    pub async fn summary(&self, id: &OutputId) -> Result<Summary> {
        Ok(match self.backend.peek_tail(id, None).await? {
            Peeked::Whole(bytes) | Peeked::More(bytes) => {
                let tail = Tail::parse(id, &bytes)?;
                let mut sum = tail.header.before.clone();
                sum.add(&tail.own());
                sum
            }
            Peeked::Missing => self.summary_of_segments(id).await?,
        })
    }

    /// The outputs of an attempt that have lines, in numbers.
    pub async fn summaries(&self, key: JobKey, attempt: u32) -> Result<Vec<(OutputKind, Summary)>> {
        let mut found = Vec::new();
        for kind in OutputKind::ALL {
            let sum = self.summary(&OutputId { key, attempt, kind }).await?;
            if sum.lines > 0 {
                found.push((kind, sum));
            }
        }
        Ok(found)
    }

    /// Reads an output from the line at `start` on.
    #[must_use]
    pub fn read(&self, id: OutputId, start: u64, filter: LineFilter) -> Reader {
        Reader::new(self.clone(), id, start, filter)
    }

    /// All segments with lines from `start` on.
    pub(crate) async fn segments(&self, id: &OutputId, start: u64) -> Result<Vec<SegmentName>> {
        let (mut all, mut after) = (Vec::new(), start);
        loop {
            let page = self.segments_page(id, after).await?;
            let is_last = page.len() < LIST_PAGE;
            after = page.last().map_or(after, |last| last.end);
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// The first segments with lines from `start` on; fewer than [`LIST_PAGE`] if there are no
    /// more.
    pub(crate) async fn segments_page(
        &self,
        id: &OutputId,
        start: u64,
    ) -> Result<Vec<SegmentName>> {
        let prefix = format!("{}.", id.stem());
        let after = format!("{prefix}{}", SegmentName::before(start));
        let names = self.backend.list(id.key, &prefix, &after).await?;
        let names = names.iter().filter_map(|(name, _)| name.strip_prefix(&prefix));
        Ok(names.filter_map(SegmentName::parse).collect())
    }

    /// Of an output whose tail is not there: it never had lines, or somebody took it away.
    pub(crate) async fn summary_of_segments(&self, id: &OutputId) -> Result<Summary> {
        let Some(last) = self.segments(id, 0).await?.pop() else { return Ok(Summary::default()) };
        let name = format!("{}.{}", id.stem(), last.text());
        let Some(object) = self.backend.get(id.key, &name).await? else {
            return Ok(Summary::default());
        };
        let (header, _) = segment::header(&object)?;
        let mut sum = header.before;
        sum.add(&header.own);
        Ok(sum)
    }

    /// Names and sizes in bytes of all objects of a job.
    pub async fn objects(&self, key: JobKey) -> Result<Vec<(String, u64)>> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.backend.list(key, "", &after).await?;
            let is_last = page.len() < LIST_PAGE;
            after = page.last().map_or(after, |(name, _)| name.clone());
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Where an output ends, as this process knows it.
    pub(crate) fn state(&self, id: &OutputId) -> SharedState {
        let used = self.states.uses.fetch_add(1, Ordering::Relaxed);
        let mut known = self.states.lock();
        let (state, last) = known.entry(*id).or_default();
        *last = used;
        let state = Arc::clone(state);
        if known.len() > MAX_STATES {
            let oldest = known.iter().min_by_key(|(_, (_, last))| *last).map(|(id, _)| *id);
            oldest.and_then(|id| known.remove(&id));
        }
        state
    }

    /// The outputs of these jobs that this process has appended to lately.
    #[must_use]
    pub fn known_of(&self, keys: &[JobKey]) -> Vec<OutputId> {
        let known = self.states.lock();
        if known.is_empty() {
            return Vec::new();
        }
        known.keys().filter(|id| keys.contains(&id.key)).copied().collect()
    }

    pub(crate) fn forget(&self, id: &OutputId) {
        self.states.lock().remove(id);
    }

    /// Removes all output of a job.
    pub async fn remove(&self, key: JobKey) -> Result<()> {
        self.states.lock().retain(|id, _| id.key != key);
        self.backend.remove_job(key).await
    }
}

impl States {
    fn lock(&self) -> MutexGuard<'_, HashMap<OutputId, (SharedState, u64)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
