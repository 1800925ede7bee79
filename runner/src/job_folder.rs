//! A job's private folder: the working directory of its program, its temporary files (Scrapy's
//! JOBDIR among them) and the named pipe. Removed when dropped.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt as _, lchown},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::private_files::create_folder;

#[derive(Debug)]
pub(crate) struct JobFolder(TempDir);

impl JobFolder {
    /// Created below the system's temporary folder, with mode 0700.
    pub(crate) fn create() -> io::Result<Self> {
        let private = fs::Permissions::from_mode(0o700);
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("spiderq-job-").permissions(private);
        let folder = Self(builder.tempdir()?);
        for part in [folder.work(), folder.temporary(), folder.site_packages()] {
            create_folder(&part)?;
        }
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program's working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// The program's `TMPDIR`, so that its temporary files go with the job.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// Comes first in the program's `PYTHONPATH`.
    pub(crate) fn site_packages(&self) -> PathBuf {
        self.path().join("site")
    }

    pub(crate) fn fifo(&self) -> PathBuf {
        self.path().join("pipe")
    }

    /// Gives the folder and all in it to the user and the group of these numbers. The runner must
    /// write nothing there after that: the user could make it a link to elsewhere.
    pub(crate) fn give_to(&self, user: (u32, u32)) -> io::Result<()> {
        give(self.path(), user)
    }
}

fn give(path: &Path, (uid, gid): (u32, u32)) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), (uid, gid))?;
        }
    }
    lchown(path, Some(uid), Some(gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_private_and_goes_with_the_job() {
        let folder = JobFolder::create().unwrap();
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(folder.work().is_dir());
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
