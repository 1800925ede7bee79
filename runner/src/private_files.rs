//! Files and folders that only the runner's user can read, whatever its umask: logs, items and job
//! data hold what spiders find, and secrets.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// Creates `folder` and those above it that are missing, with mode 0700. Those that exist stay as
/// they are.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Creates a file with mode 0600. Fails if there is one already.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn no_other_user_can_read_them() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("1/2");
        create_folder(&folder).unwrap();
        create_folder(&folder).unwrap();
        let file = folder.join("x");
        create_file(&file).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let modes = [mode(&root.path().join("1")), mode(&folder), mode(&file)];
        assert_eq!(modes, [0o700, 0o700, 0o600]);
        let again = create_file(&file).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }
}
