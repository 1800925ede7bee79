//! Outputs in a folder: `PROJECT/SPIDER/JOB/` has the objects of a job, as files.
//!
//! A file is written under another name, synced, and then gets its own, so that there are no halves
//! of one. A tail grows in place: its writer holds a lock of the file (`flock`), which other
//! processes on the same machine respect, and the append is synced before it is acknowledged. A
//! tail that is written anew is another file of the same name; whoever has the old one open sees
//! that nothing links to it any more.

mod io;
mod tails;

use std::{
    fs, io as std_io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use spiderq_core::{
    error::{Error, Result},
    model::JobKey,
};

use self::{
    io::{Unnamed, failed, sync_folder},
    tails::OpenTails,
};
use crate::{
    Backend, OutputId,
    backend::{Known, LIST_PAGE, Peeked, Version},
};

/// Bytes of lines in a tail before they are compressed.
const TAIL_BYTES: u64 = 1 << 20;

/// The file that says whose outputs these are.
const OWNER: &str = "owner";

/// A folder that outputs are kept in.
#[derive(Debug)]
pub struct Files {
    root: Arc<Path>,
    tails: Arc<OpenTails>,
}

impl Files {
    /// A folder, which is made when something is to be written to it.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into().into(), tails: Arc::default() }
    }

    fn folder(&self, key: JobKey) -> PathBuf {
        let JobKey { project, spider, job } = key;
        self.root.join(format!("{project}/{spider}/{job}"))
    }

    fn tail(&self, id: &OutputId) -> PathBuf {
        self.folder(id.key).join(format!("{}.tail", id.stem()))
    }
}

/// Runs what waits for a disk where it holds up nobody.
async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(run).await.map_err(Error::bug)?
}

#[async_trait]
impl Backend for Files {
    fn tail_bytes(&self) -> u64 {
        TAIL_BYTES
    }

    async fn load_tail(&self, id: &OutputId) -> Result<Option<(Version, Bytes)>> {
        let (tails, path, id) = (Arc::clone(&self.tails), self.tail(id), *id);
        blocking(move || tails.load(&id, &path)).await
    }

    async fn peek_tail(&self, id: &OutputId, known: Option<Known>) -> Result<Peeked> {
        let path = self.tail(id);
        blocking(move || tails::peek(&path, known).map_err(failed)).await
    }

    async fn append_tail(
        &self,
        id: &OutputId,
        at: &Version,
        record: Bytes,
    ) -> Result<Option<Version>> {
        let (tails, id, at) = (Arc::clone(&self.tails), *id, at.clone());
        blocking(move || tails.append(&id, &at, &record)).await
    }

    async fn replace_tail(
        &self,
        id: &OutputId,
        at: Option<&Version>,
        tail: Bytes,
    ) -> Result<Option<Version>> {
        let (tails, path, id) = (Arc::clone(&self.tails), self.tail(id), *id);
        let at = at.cloned();
        blocking(move || match at {
            Some(at) => tails.replace(&id, &path, &at, &tail),
            None => tails.create(&id, &path, &tail),
        })
        .await
    }

    async fn list(&self, key: JobKey, prefix: &str, after: &str) -> Result<Vec<(String, u64)>> {
        let (folder, prefix, after) = (self.folder(key), prefix.to_owned(), after.to_owned());
        blocking(move || list(&folder, &prefix, &after).map_err(failed)).await
    }

    async fn get(&self, key: JobKey, name: &str) -> Result<Option<Bytes>> {
        let path = self.folder(key).join(name);
        blocking(move || found(fs::read(path)).map(|bytes| bytes.map(Bytes::from))).await
    }

    async fn put(&self, key: JobKey, name: &str, object: Bytes) -> Result<()> {
        let path = self.folder(key).join(name);
        blocking(move || io::write_whole(&path, &object).map_err(failed)).await
    }

    async fn remove(&self, key: JobKey, name: &str) -> Result<()> {
        let path = self.folder(key).join(name);
        blocking(move || found(fs::remove_file(path)).map(|_| ())).await
    }

    async fn remove_job(&self, key: JobKey) -> Result<()> {
        let folder = self.folder(key);
        blocking(move || {
            if found(fs::remove_dir_all(&folder))?.is_some() {
                // A crash before this may bring files back; upkeep finds them.
                folder.parent().map_or(Ok(()), sync_folder).map_err(failed)?;
            }
            // The folders above, if they are empty now.
            for parent in folder.ancestors().skip(1).take(2) {
                let _ = fs::remove_dir(parent);
            }
            Ok(())
        })
        .await
    }

    async fn numbers(&self, of: &[u64]) -> Result<Vec<u64>> {
        let mut folder = self.root.to_path_buf();
        folder.extend(of.iter().map(u64::to_string));
        blocking(move || numbers(&folder).map_err(failed)).await
    }

    async fn owner(&self, owner: &str) -> Result<String> {
        let (path, owner) = (self.root.join(OWNER), owner.to_owned());
        blocking(move || {
            if let Some(found) = found(fs::read_to_string(&path))? {
                return Ok(found.trim_end().to_owned());
            }
            let text = format!("{owner}\n");
            let unnamed = Unnamed::write(&path, text.as_bytes()).map_err(failed)?;
            if unnamed.create_new().map_err(failed)? {
                return Ok(owner);
            }
            let found = fs::read_to_string(&path).map_err(failed)?;
            Ok(found.trim_end().to_owned())
        })
        .await
    }

    async fn ping(&self) -> Result<()> {
        let path = self.root.join(".ping");
        blocking(move || io::write_whole(&path, b"").map_err(failed)).await
    }
}

/// `None` where there is no such file.
fn found<T>(done: std_io::Result<T>) -> Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == std_io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn list(folder: &Path, prefix: &str, after: &str) -> std_io::Result<Vec<(String, u64)>> {
    let mut names = Vec::new();
    for entry in entries(folder)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if name.starts_with(prefix) && name.as_str() > after && !name.ends_with(io::UNFINISHED) {
            names.push(name);
        }
    }
    names.sort_unstable();
    names.truncate(LIST_PAGE);
    let sized = |name: String| match fs::metadata(folder.join(&name)) {
        Ok(metadata) => Some(Ok((name, metadata.len()))),
        // It was removed meanwhile.
        Err(error) if error.kind() == std_io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(error)),
    };
    names.into_iter().filter_map(sized).collect()
}

fn numbers(folder: &Path) -> std_io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in entries(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse::<u64>().ok());
        numbers.extend(number.filter(|number| name.to_str() == Some(&number.to_string())));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn entries(
    folder: &Path,
) -> std_io::Result<impl Iterator<Item = std_io::Result<fs::DirEntry>> + use<>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == std_io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}
