//! Jobs by key and by filter: reading, counting, changing and removing them.

use std::fmt;

use async_trait::async_trait;

use super::{Change, Changed, RequestDigest};
use crate::{
    error::{Error, Result},
    limits::{MAX_BATCH, MAX_STORE_PAGE_BYTES},
    model::{FieldSelection, Filter, Job, JobKey, Millis, Position, ProjectId, State},
};

/// A page of a list of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Highest position first. May be fewer than asked for, even none, before the end.
    pub jobs: Vec<Job>,
    /// Where the next page begins (its [`Filter::until`]); `None` at the end.
    pub next: Option<Position>,
}

/// How far a step of a store went over the beginning of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Jobs that it passed.
    pub jobs: u64,
    /// Where the rest of the list begins (its [`Filter::until`]); `None` at the end.
    pub next: Option<Position>,
}

/// What one step of a store may still read of jobs, bytes of memory.
#[derive(Debug)]
pub struct PageRoom(usize);

impl Default for PageRoom {
    fn default() -> Self {
        Self(MAX_STORE_PAGE_BYTES)
    }
}

impl PageRoom {
    /// Counts a job of so many bytes. There is always room for the first; false if this one is
    /// the last.
    pub const fn take(&mut self, bytes: usize) -> bool {
        self.0 = self.0.saturating_sub(bytes);
        self.0 > 0
    }
}

/// What became of [`Store::purge`](crate::store::JobStore::purge).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// The job is gone for good.
    Done,
    /// There is no such job.
    Missing,
    /// It is in this state, not deleted; nothing was done.
    Refused(State),
}

/// [`JobStore::count`] step by step, for a filter whose jobs no sum of sizes counts.
pub async fn count_by_steps(
    store: &dyn JobStore,
    project: ProjectId,
    filter: &Filter,
) -> Result<u64> {
    let (mut rest, mut sum) = (filter.clone(), 0);
    loop {
        let passed = store.skip(project, &rest, u64::MAX).await?;
        sum += passed.jobs;
        match passed.next {
            Some(next) => rest.until = Some(next),
            None => return Ok(sum),
        }
    }
}

/// [`JobStore::skip`] of a filter that only a look at each job decides: one page.
pub async fn skip_a_page(
    store: &dyn JobStore,
    project: ProjectId,
    filter: &Filter,
    most: u64,
) -> Result<Skipped> {
    let limit = usize::try_from(most).map_or(MAX_BATCH, |most| most.min(MAX_BATCH));
    let page = store.page(project, filter, limit, &FieldSelection::Row).await?;
    Ok(Skipped { jobs: page.jobs.len() as u64, next: page.next })
}

/// Reads and changes jobs.
#[async_trait]
pub trait JobStore: Send + Sync + fmt::Debug {
    /// Jobs by key (at most [`MAX_BATCH`](crate::limits::MAX_BATCH), of any projects), in the same
    /// order; `None` where there is no such job. It ends early with the job that fills a
    /// [`PageRoom`], so that large jobs come a few at a time; of one key and more it has one.
    async fn get_first(&self, keys: &[JobKey], fields: &FieldSelection)
    -> Result<Vec<Option<Job>>>;

    /// All jobs of `keys`, in as many steps as it takes: for a few, or with little metadata.
    async fn get(&self, keys: &[JobKey], fields: &FieldSelection) -> Result<Vec<Option<Job>>> {
        let mut jobs = Vec::with_capacity(keys.len());
        while jobs.len() < keys.len() {
            let more = self.get_first(&keys[jobs.len()..], fields).await?;
            if more.is_empty() {
                return Err(Error::bug("a store read no job of some"));
            }
            jobs.extend(more);
        }
        Ok(jobs)
    }

    /// Up to `limit` (at most [`MAX_BATCH`](crate::limits::MAX_BATCH)) jobs that match, highest
    /// position first. It looks at a bounded number of jobs, so that a page may have few or none
    /// and still say where the next begins, and ends early with the job that fills a [`PageRoom`].
    /// A job in it matched at the time of its reading.
    async fn page(
        &self,
        project: ProjectId,
        filter: &Filter,
        limit: usize,
        fields: &FieldSelection,
    ) -> Result<Page>;

    /// Passes up to `most` (at least 1) jobs at the beginning of a list, without reading them where
    /// indexes decide which match. Like a page it looks at a bounded number of entries, so that it
    /// may pass fewer, even none, before the end.
    async fn skip(&self, project: ProjectId, filter: &Filter, most: u64) -> Result<Skipped>;

    /// How many jobs match, each at the time of its reading.
    async fn count(&self, project: ProjectId, filter: &Filter) -> Result<u64>;

    /// Applies changes (at most [`MAX_BATCH`](crate::limits::MAX_BATCH), all of `project`) in
    /// order, in one atomic step; returns the outcomes in the same order. With `all_or_nothing`,
    /// the changes are checked first and none is applied when any of them would be refused
    /// ([`Changed::Refused`], [`Changed::Stale`], [`Changed::NotHeld`], [`Changed::WrittenSince`],
    /// [`Changed::TooManyTags`], [`Changed::TooLarge`] or [`Changed::AtLimit`]); for the others it
    /// then returns what they would have done, and keeps nothing for the `request_id`. Otherwise
    /// that is as in [`Store::push`](crate::store::QueueStore::push): a change that was refused is judged anew.
    async fn change(
        &self,
        project: ProjectId,
        changes: Vec<Change>,
        all_or_nothing: bool,
        now: Millis,
        request_id: Option<&RequestDigest>,
    ) -> Result<Vec<Changed>>;

    /// Removes a deleted job and its metadata for good, with an event.
    async fn purge(&self, key: JobKey) -> Result<Purged>;
}
