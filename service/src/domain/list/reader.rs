//! Reading a list: a page of the store at a time, within the memory that was reserved for it.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use tokio::task::JoinSet;

use super::{super::ResponseRoom, PageCursor};
use spiderq_core::{
    Reservation,
    error::{Error, Result},
    limits::{MAX_BATCH, MAX_METADATA_BYTES, MAX_STORE_PAGE_BYTES},
    model::{FieldSelection, Filter, Job, JobKey, ProjectId},
    store::Store,
};

/// Bytes that a list reserves for the pages that it will read: the last job of one may be large.
pub(in crate::domain) const PAGE_MEMORY: usize = MAX_STORE_PAGE_BYTES + MAX_METADATA_BYTES;

/// A list that is being read; holds at most one page of the store.
#[derive(Debug)]
pub struct JobList {
    pub(super) store: Arc<dyn Store>,
    pub(super) project: ProjectId,
    pub(super) left: Left,
    pub(super) fields: FieldSelection,
    pub(super) skip: u64,
    pub(super) limit: u64,
    /// Jobs that were read, with their places.
    pub(super) page: VecDeque<(PageCursor, Job)>,
    /// Jobs listed so far, where a job that changes its state could come again.
    pub(super) seen: Option<HashSet<JobKey>>,
    /// For the page, and for what its jobs have become until the next is read.
    pub(super) memory: Reservation,
    /// Of the job that came last.
    pub(super) place: Option<PageCursor>,
}

/// What is still to be read.
#[derive(Debug)]
pub(super) enum Left {
    /// One read of the store after the other.
    Filters(VecDeque<Filter>),
    /// Jobs by key, of which those that match are listed, at the places that they had.
    Keys(VecDeque<(JobKey, Option<PageCursor>)>, Box<Filter>),
}

impl Left {
    fn is_empty(&self) -> bool {
        match self {
            Self::Filters(filters) => filters.is_empty(),
            Self::Keys(keys, _) => keys.is_empty(),
        }
    }
}

/// A part of a list.
#[derive(Debug)]
pub struct JobPage {
    /// As many jobs as were wanted, or as the response holds.
    pub jobs: Vec<Job>,
    /// The place of the last, if there are more.
    pub next: Option<PageCursor>,
}

impl JobList {
    /// The next job; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Job>> {
        while self.limit > 0 {
            let Some((place, job)) = self.page.pop_front() else {
                if self.left.is_empty() {
                    break;
                }
                self.read().await?;
                continue;
            };
            if self.seen.as_mut().is_some_and(|seen| !seen.insert(job.key)) {
                continue;
            }
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.limit -= 1;
            self.place = Some(place);
            return Ok(Some(job));
        }
        Ok(None)
    }

    /// Up to `most` jobs, fewer where the response has no room for more, or where the record of
    /// the next cannot be read, which is the error of the next page.
    pub async fn page(mut self, most: usize, room: &mut ResponseRoom) -> Result<JobPage> {
        let (mut jobs, mut last) = (Vec::new(), None);
        loop {
            let next = match self.next().await {
                Err(Error::JobDamaged { .. }) if last.is_some() => {
                    return Ok(JobPage { jobs, next: last });
                }
                next => next?,
            };
            let Some(job) = next else { return Ok(JobPage { jobs, next: None }) };
            if jobs.len() == most || !room.take(&job).await? {
                return Ok(JobPage { jobs, next: last });
            }
            jobs.push(job);
            last = self.place;
        }
    }

    #[cfg(test)]
    pub(in crate::domain) async fn collect(mut self) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        while let Some(job) = self.next().await? {
            jobs.push(job);
        }
        Ok(jobs)
    }

    /// Fills the page, which is empty; or passes jobs that are to be left out.
    async fn read(&mut self) -> Result<()> {
        let left = self.skip.saturating_add(self.limit);
        let size = usize::try_from(left).map_or(MAX_BATCH, |left| left.min(MAX_BATCH));
        match &mut self.left {
            Left::Filters(filters) => {
                let Some(filter) = filters.front_mut() else { return Ok(()) };
                let (store, project) = (Arc::clone(&self.store), self.project);
                let asked = filter.clone();
                // A job that could come again must be seen to be left out once.
                let next = if self.skip > 0 && self.seen.is_none() {
                    let most = self.skip;
                    let skipped =
                        in_task(async move { store.skip(project, &asked, most).await }).await?;
                    self.skip -= skipped.jobs.min(most);
                    skipped.next
                } else {
                    let fields = self.fields.clone();
                    let read = async move { store.page(project, &asked, size, &fields).await };
                    let page = in_task(read).await?;
                    let placed = |job| (PageCursor::of(&job), job);
                    self.page = page.jobs.into_iter().map(placed).collect();
                    page.next
                };
                match next {
                    Some(next) => filter.until = Some(next),
                    None => {
                        filters.pop_front();
                    }
                }
            }
            Left::Keys(keys, filter) => {
                let (store, fields) = (Arc::clone(&self.store), &self.fields);
                let asked: Vec<JobKey> = keys.iter().take(MAX_BATCH).map(|(key, _)| *key).collect();
                let needed = filter.fields_read(fields);
                let found = in_task(async move { store.get_first(&asked, &needed).await }).await?;
                let read = found.len();
                if read == 0 {
                    return Err(Error::bug("a store read no job of some"));
                }
                for (job, (_, place)) in found.into_iter().zip(keys.drain(..read)) {
                    let Some(mut job) = job.filter(|job| filter.matches(job)) else { continue };
                    job.metadata.retain(|name| fields.includes(name));
                    self.page.push_back((place.unwrap_or(PageCursor::of(&job)), job));
                }
            }
        }
        self.reserve_page()
    }

    /// Memory for the page as it is, and for those to come.
    fn reserve_page(&mut self) -> Result<()> {
        let bytes = self.page.iter().map(|(_, job)| job.memory()).sum::<usize>();
        let wanted = if self.left.is_empty() { bytes } else { bytes.max(PAGE_MEMORY) };
        self.memory.shrink_to(wanted);
        self.memory.grow(wanted - self.memory.bytes())
    }
}

/// Does `work` in a task, which ends with the caller. Nobody polls a list while its reader
/// pauses; the store's timeout would run on all the same, and a turn that the store gave would be
/// held from others.
async fn in_task<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let mut task = JoinSet::new();
    task.spawn(work);
    match task.join_next().await {
        Some(done) => done.map_err(Error::bug)?,
        None => Err(Error::bug("a task has gone")),
    }
}
