//! Where a program is, by the name that a flag gives it: by its path, on `PATH`, or beside this
//! program. A service manager calls `/opt/venv/bin/spiderq` without that folder on `PATH`.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// The absolute path of the program. A `name` with a slash is a path, else a file of that name is
/// looked for on `PATH` and then beside this program.
///
/// # Errors
/// There is no such file that may be run; the text says where it was looked for.
pub(crate) fn find_program(name: &str) -> Result<PathBuf, String> {
    if name.contains('/') {
        let path = std::path::absolute(name).unwrap_or_else(|_| name.into());
        return match can_run(&path) {
            true => Ok(path),
            false => Err(format!("{} is no file that can be run", path.display())),
        };
    }
    find_in(name, &env::var_os("PATH").unwrap_or_default(), &own_folders())
}

fn find_in(name: &str, path: &OsStr, beside: &[PathBuf]) -> Result<PathBuf, String> {
    let folders: Vec<PathBuf> = env::split_paths(path).chain(beside.iter().cloned()).collect();
    let files = folders.iter().filter_map(|folder| std::path::absolute(folder.join(name)).ok());
    files.into_iter().find(|file| can_run(file)).ok_or_else(|| {
        let beside: Vec<String> =
            beside.iter().map(|folder| folder.display().to_string()).collect();
        let (path, beside) = (path.display(), beside.join(" or "));
        format!("{name} is neither on PATH ({path}) nor beside this program (in {beside})")
    })
}

/// Whether it is a file that this user may run.
pub(crate) fn can_run(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// The folder by whose path this program was called, which may hold a link to it only, and the
/// folder in which it lies.
fn own_folders() -> Vec<PathBuf> {
    let called = env::args_os().next().map(PathBuf::from);
    let called = called.filter(|called| called.components().count() > 1);
    let called = called.and_then(|called| std::path::absolute(called).ok());
    let mut folders: Vec<PathBuf> = called
        .into_iter()
        .chain(env::current_exe())
        .filter_map(|program| program.parent().map(Path::to_owned))
        .collect();
    folders.dedup();
    folders
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_program_is_looked_for_on_path_and_then_beside_this_one() {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| root.path().join(name);
        for (name, mode) in [("a/x", 0o644), ("b/x", 0o755), ("c/x", 0o755), ("c/y", 0o755)] {
            fs::create_dir_all(folder(name).parent().unwrap()).unwrap();
            fs::write(folder(name), "").unwrap();
            fs::set_permissions(folder(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = env::join_paths([folder("a"), folder("b")]).unwrap();
        let find = |name| find_in(name, &path, &[folder("c")]);
        assert_eq!(find("x"), Ok(folder("b/x")), "that in `a` can't be run");
        assert_eq!(find("y"), Ok(folder("c/y")));
        let why = find("z").unwrap_err();
        let expected = format!(
            "z is neither on PATH ({}) nor beside this program (in {})",
            path.display(),
            folder("c").display()
        );
        assert_eq!(why, expected);
    }

    #[test]
    fn a_name_with_a_slash_is_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("x");
        let why = find_program(missing.to_str().unwrap()).unwrap_err();
        assert_eq!(why, format!("{} is no file that can be run", missing.display()));
        assert_eq!(find_program("/bin/sh"), Ok(PathBuf::from("/bin/sh")));
        assert!(find_program("/bin").is_err(), "a folder");
    }
}
