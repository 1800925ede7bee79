//! A job's private folder, gone when the job is: where its program works, its temporary files
//! (Scrapy's JOBDIR among them), and the named pipe it writes to.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};

use crate::system::make_pipe;

/// The folder. Nobody but this user can look into it.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Makes it, among the temporary files of the system.
    pub(crate) fn create() -> io::Result<Self> {
        let ours = fs::Permissions::from_mode(0o700);
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("spiderq-job-").permissions(ours);
        let folder = Self(builder.tempdir()?);
        for part in [folder.work(), folder.temporary(), folder.site()] {
            fs::create_dir(part)?;
        }
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// For temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// For Python packages.
    pub(crate) fn site(&self) -> PathBuf {
        self.path().join("site")
    }

    /// Makes the pipe and opens it at both ends: the reader never waits for a writer, and
    /// sees no end before the sender is dropped.
    pub(crate) fn pipe(&self) -> io::Result<(PathBuf, Receiver, Sender)> {
        let path = self.path().join("pipe");
        make_pipe(&path)?;
        let receiver = OpenOptions::new().open_receiver(&path)?;
        let sender = OpenOptions::new().open_sender(&path)?;
        Ok((path, receiver, sender))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn the_pipe_is_private_and_ends_with_its_last_writer() {
        let folder = Folder::create().unwrap();
        let (path, mut receiver, sender) = folder.pipe().unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::write(&path, "x").unwrap();
        drop(sender);
        let mut text = String::new();
        receiver.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "x");
        let gone = folder.path().to_owned();
        drop(folder);
        assert!(!gone.exists());
    }
}
