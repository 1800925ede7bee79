//! Tails in files: appended in place, under a lock that all processes of the machine share.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use spiderq_core::error::Result;

use super::io::{Unnamed, failed};
use crate::{
    OutputId,
    backend::{Known, Peeked, Version},
    tail::{START_BYTES, Tail, start_of},
};

/// Tails that are kept open: one that is closed costs a few system calls to open again.
const MAX_OPEN: usize = 256;
/// How long to wait for a process that holds a lock. It does so for one append.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(1);

/// An open tail. While it is open no other file can have its inode, so that
/// [`is_current`](Locked::is_current) is never wrong.
#[derive(Debug)]
struct OpenTail {
    file: File,
    /// Stands for this opening in a [`Version`].
    tag: Arc<str>,
    /// When it was used last, in uses of all.
    used: AtomicU64,
}

/// The tails that this process has open.
#[derive(Debug, Default)]
pub(super) struct OpenTails {
    open: Mutex<HashMap<OutputId, Arc<OpenTail>>>,
    uses: AtomicU64,
}

/// A file that nobody else appends to until this is dropped.
struct Locked<'a>(&'a File);

impl<'a> Locked<'a> {
    #[expect(clippy::disallowed_methods, reason = "it runs on a thread for waiting")]
    fn new(file: &'a File) -> io::Result<Self> {
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_TIMEOUT => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::TimedOut.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Its length, if it is still the file of its name.
    fn len_if_current(&self) -> io::Result<Option<u64>> {
        let metadata = self.0.metadata()?;
        Ok((metadata.nlink() > 0).then_some(metadata.len()))
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // The lock also ends when the file is closed.
        let _ = self.0.unlock();
    }
}

impl OpenTails {
    pub(super) fn load(&self, id: &OutputId, path: &Path) -> Result<Option<(Version, Bytes)>> {
        loop {
            let file = match OpenOptions::new().read(true).write(true).open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed(error)),
            };
            let lock = Locked::new(&file).map_err(failed)?;
            // Else it was replaced meanwhile.
            if let Some(len) = lock.len_if_current().map_err(failed)? {
                let bytes = Bytes::from(read_at(&file, 0, len).map_err(failed)?);
                let tail = Tail::parse(id, &bytes)?;
                if tail.len < bytes.len() {
                    tracing::warn!(output = %id, bytes = bytes.len() - tail.len, "cut a torn tail");
                    cut(&file, tail.len as u64).map_err(failed)?;
                }
                drop(lock);
                let version = self.keep(id, file, tail.len as u64);
                return Ok(Some((version, bytes.slice(..tail.len))));
            }
        }
    }

    pub(super) fn append(
        &self,
        id: &OutputId,
        at: &Version,
        record: &[u8],
    ) -> Result<Option<Version>> {
        let Some(open) = self.get(id, at) else { return Ok(None) };
        let lock = Locked::new(&open.file).map_err(failed)?;
        if lock.len_if_current().map_err(failed)? != Some(at.len) {
            return Ok(None);
        }
        let written = open.file.write_all_at(record, at.len);
        if let Err(error) = written.and_then(|()| open.file.sync_data()) {
            // What a failed sync leaves in memory must not look as if it were on disk.
            let _ = cut(&open.file, at.len);
            return Err(failed(error));
        }
        Ok(Some(Version { len: at.len + record.len() as u64, ..at.clone() }))
    }

    pub(super) fn create(
        &self,
        id: &OutputId,
        path: &Path,
        tail: &[u8],
    ) -> Result<Option<Version>> {
        let unnamed = Unnamed::write(path, tail).map_err(failed)?;
        if !unnamed.create_new().map_err(failed)? {
            return Ok(None);
        }
        let file = unnamed.file.try_clone().map_err(failed)?;
        Ok(Some(self.keep(id, file, tail.len() as u64)))
    }

    pub(super) fn replace(
        &self,
        id: &OutputId,
        path: &Path,
        at: &Version,
        tail: &[u8],
    ) -> Result<Option<Version>> {
        let Some(open) = self.get(id, at) else { return Ok(None) };
        let unnamed = Unnamed::write(path, tail).map_err(failed)?;
        let lock = Locked::new(&open.file).map_err(failed)?;
        if lock.len_if_current().map_err(failed)? != Some(at.len) {
            return Ok(None);
        }
        unnamed.replace().map_err(failed)?;
        let file = unnamed.file.try_clone().map_err(failed)?;
        Ok(Some(self.keep(id, file, tail.len() as u64)))
    }

    /// The open tail that the version is of.
    fn get(&self, id: &OutputId, at: &Version) -> Option<Arc<OpenTail>> {
        let open = self.lock().get(id).filter(|open| open.tag == at.tag).cloned()?;
        open.used.store(self.next_use(), Ordering::Relaxed);
        Some(open)
    }

    fn keep(&self, id: &OutputId, file: File, len: u64) -> Version {
        let number = self.next_use();
        let tag: Arc<str> = number.to_string().into();
        let tail = OpenTail { file, tag: Arc::clone(&tag), used: AtomicU64::new(number) };
        let mut open = self.lock();
        open.insert(*id, Arc::new(tail));
        if open.len() > MAX_OPEN {
            let used = |tail: &OpenTail| tail.used.load(Ordering::Relaxed);
            let oldest = open.iter().min_by_key(|(_, tail)| used(tail)).map(|(id, _)| *id);
            oldest.and_then(|id| open.remove(&id));
        }
        Version { tag, len }
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OutputId, Arc<OpenTail>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut(file: &File, len: u64) -> io::Result<()> {
    file.set_len(len)?;
    file.sync_data()
}

/// What a reader has not seen yet. It takes no lock: the tail may end within a record.
pub(super) fn peek(path: &Path, known: Option<Known>) -> io::Result<Peeked> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Peeked::Missing),
        Err(error) => return Err(error),
    };
    let len = file.metadata()?.len();
    if let Some(known) = known
        && start_of(&read_at(&file, 0, len.min(START_BYTES as u64))?) == Some(known.start)
    {
        return Ok(Peeked::More(read_at(&file, known.len, len.max(known.len))?.into()));
    }
    Ok(Peeked::Whole(read_at(&file, 0, len)?.into()))
}

fn read_at(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(to - from).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    let mut read = 0;
    while read < length {
        match file.read_at(&mut bytes[read..], from + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // A tail that was cut meanwhile is shorter.
    bytes.truncate(read);
    Ok(bytes)
}
