//! The embedded store: one file, one process. Every write goes to the one writer thread and is on
//! the disk before it is answered; reads run beside it, each on a snapshot.
//!
//! Each part of the store trait is implemented in the file of its name: `jobs`, `queue`,
//! `projects`, `api_keys`, `audit`, `runners`, `upkeep`. The schema is what `migrations/` makes.

mod api_keys;
mod audit;
mod awaited;
mod count;
mod damage;
mod error;
mod events;
mod file_lock;
mod fsck;
mod job_blocks;
mod job_columns;
mod job_counts;
mod job_row;
mod job_tags;
mod jobs;
mod list;
mod matches;
mod metadata;
mod migrations;
mod next_job;
mod notify;
mod ping;
mod project_step;
mod projects;
mod queue;
mod readers;
mod request_ids;
mod retention;
mod runners;
mod settings;
mod spiders;
mod store_file;
#[cfg(test)]
mod tests;
mod upkeep;
mod writer;

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::Connection;
use spiderq_core::{UnreadableJobs, error::Result, limits::EVENTS_TTL, model::ProjectId};

use self::{
    damage::Damage,
    events::LastReads,
    file_lock::Identity,
    notify::Notifiers,
    readers::Readers,
    store_file::{Access, StoreFile},
    writer::Writer,
};

/// How long a call may take, waiting included.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read: enough for reads to overlap, few enough for their caches.
const READERS: usize = 4;
/// Cache of the connection for short reads, KiB: they are of few tables.
const SHORT_READS_CACHE: i64 = 1_024;

/// The embedded store. Dropping it ends the writer after all that was asked of it.
#[derive(Debug)]
pub struct SqliteStore {
    // Fields are dropped in this order: the writer folds the log into the file after the readers
    // are gone, and the lock on the file goes last.
    readers: Readers,
    /// A connection that lists and other reads of many rows never take: for look-ups that each
    /// call makes, such as that of its API key.
    short_reads: Readers,
    writer: Writer,
    damage: Arc<Damage>,
    identity: Arc<Identity>,
    notifiers: Arc<Notifiers>,
    output_notifiers: Notifiers,
    last_reads: LastReads,
    unreadable: Arc<UnreadableJobs<i64>>,
    file: StoreFile,
}

impl SqliteStore {
    /// Opens the file, making it if it is not there. Refused while another process has it.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with_timeout(path, CALL_TIMEOUT)
    }

    /// The same with another time that a call may take, waiting included. Tests of what a store
    /// keeps give a long one: other programs may keep the disk busy for many seconds.
    pub fn open_with_timeout(path: &Path, call_timeout: Duration) -> Result<Self> {
        Self::open_for(Access::Write, path, call_timeout)
    }

    /// Opens the file for [`check`](spiderq_core::store::UpkeepStore::check) without a repair: not
    /// a byte of it changes, and every write is refused. A file of an older version is refused too.
    pub fn open_to_check(path: &Path) -> Result<Self> {
        Self::open_for(Access::Check, path, CALL_TIMEOUT)
    }

    fn open_for(access: Access, path: &Path, call_timeout: Duration) -> Result<Self> {
        let file = StoreFile::open(path, access)?;
        let connection = file.writer()?;
        let last_reads = LastReads::load(&connection, EVENTS_TTL)?;
        let (damage, identity) = (Arc::<Damage>::default(), Arc::new(file.identity()));
        let same_file = Arc::clone(&identity);
        let may_write = move || same_file.check();
        let writer = Writer::start(connection, call_timeout, Arc::clone(&damage), may_write)?;
        let readers: error::Result<_> = (0..READERS).map(|_| file.reader()).collect();
        let short_reads = vec![file.reader_with_cache(SHORT_READS_CACHE)?];
        Ok(Self {
            readers: Readers::new(readers?, call_timeout, Arc::clone(&damage)),
            short_reads: Readers::new(short_reads, call_timeout, Arc::clone(&damage)),
            writer,
            damage,
            identity,
            notifiers: Arc::default(),
            output_notifiers: Notifiers::default(),
            last_reads,
            unreadable: Arc::default(),
            file,
        })
    }

    /// Runs a step of the writer on jobs or settings of a project. If it did something that
    /// somebody may wait for, notifies the subscriptions once that can be seen.
    async fn write<T: Send + 'static>(
        &self,
        project: ProjectId,
        step: impl FnOnce(&Connection) -> error::Result<T> + Send + 'static,
        notifies: impl FnOnce(&T) -> bool + Send + 'static,
    ) -> Result<T> {
        let log_ends = self.last_reads.is_over(project);
        let step = move |connection: &Connection| {
            if log_ends {
                events::end(connection, project)?;
            }
            step(connection)
        };
        let notifiers = Arc::clone(&self.notifiers);
        let then = move |answer: &Result<T>| {
            if answer.as_ref().is_ok_and(notifies) {
                notifiers.notify(project);
            }
        };
        self.writer.call_then(step, then).await
    }
}
