//! Where secrets come from: a flag or its variable, a file, or a credential of systemd. A file is
//! read once, at the start.

use std::{
    env,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{args::Secret, error::Error, given};

/// The largest file of a secret, bytes: a wrong path must not fill the memory.
const MAX_FILE_BYTES: u64 = 64 << 10;
/// The variable in which systemd names the folder of a unit's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// The name of a file that stands for standard input.
const STANDARD_INPUT: &str = "-";
/// What others than a file's user and group may do with it.
const EVERYONE: u32 = 0o007;

/// The secret of the flag `--NAME`: as it was given, else that of `--NAME-file`, else that of the
/// credential `spiderq.NAME`.
pub(crate) fn read(
    name: &str,
    given: Option<Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, Error> {
    read_in(credentials_folder().as_deref(), name, given, file)
}

/// Where systemd puts the credentials of this unit.
pub(crate) fn credentials_folder() -> Option<PathBuf> {
    env::var_os(CREDENTIALS).map(PathBuf::from)
}

/// The credential of the flag `--NAME`.
pub(crate) fn credential(name: &str) -> String {
    format!("spiderq.{name}")
}

/// Standard input ends with the first secret that is read of it.
pub(crate) fn check_standard_input(files: &[(&str, Option<&Path>)]) -> Result<(), Error> {
    let from_input = files.iter().filter(|(_, file)| *file == Some(Path::new(STANDARD_INPUT)));
    let names: Vec<String> = from_input.map(|(name, _)| given::source(name)).collect();
    if names.len() < 2 {
        return Ok(());
    }
    let names = names.join(" and ");
    Err(Error::new(format!("{names}: only one secret can come from standard input (-)")))
}

/// The same of a secret that must be there.
pub(crate) fn required(
    name: &str,
    given: Option<Secret>,
    file: Option<&Path>,
    what: &str,
) -> Result<Secret, Error> {
    let secret = read(name, given, file)?.filter(|secret| !secret.expose().is_empty());
    secret.ok_or_else(|| {
        let variable = given::variable(name);
        Error::new(format!("--{name}, --{name}-file or {variable} is required: {what}"))
    })
}

fn read_in(
    credentials: Option<&Path>,
    name: &str,
    given: Option<Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, Error> {
    if given.is_some() {
        return Ok(given);
    }
    if let Some(path) = file {
        return read_file(&given::source(&format!("{name}-file")), path).map(Some);
    }
    let credential = credential(name);
    let path = credentials.map(|folder| folder.join(&credential));
    let path = path.filter(|path| path.exists());
    path.map(|path| read_file(&format!("credential {credential}"), &path)).transpose()
}

/// The text of a file without the line end at its end.
fn read_file(source: &str, path: &Path) -> Result<Secret, Error> {
    let failed = |why: &str| Error::new(format!("{source}: {} {why}", path.display()));
    let (text, mode) = read_text(path)
        .map_err(|error| Error::new(format!("{source}: can't read {}: {error}", path.display())))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(&format!("has more than {} KiB", MAX_FILE_BYTES >> 10)));
    }
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(failed("is empty"));
    }
    if mode.is_some_and(|mode| mode & EVERYONE != 0) {
        let file = path.display();
        tracing::warn!(source, %file, "every user of this machine has access to a secret's file");
    }
    Ok(Secret::from(text.to_owned()))
}

/// The text, and the access mode of a file that has one.
fn read_text(path: &Path) -> io::Result<(String, Option<u32>)> {
    let mut text = String::new();
    // Opened by its name, standard input may be refused: a pipe belongs to the user who made it.
    if path == Path::new(STANDARD_INPUT) {
        io::stdin().take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
        return Ok((text, None));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    Ok((text, metadata.is_file().then(|| metadata.permissions().mode())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn text(secret: Result<Option<Secret>, Error>) -> Option<String> {
        secret.unwrap().map(Secret::into_inner)
    }

    #[test]
    fn a_secret_is_the_text_of_its_file_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (content, secret) in
            [("k", "k"), ("k\n", "k"), ("k\r\n", "k"), (" k \n\n", " k "), ("a\nb\n", "a\nb")]
        {
            fs::write(&path, content).unwrap();
            let read = read_in(None, "admin-key", None, Some(&path));
            assert_eq!(text(read).as_deref(), Some(secret), "{content:?}");
        }
    }

    #[test]
    fn a_credential_is_found_by_its_name_where_nothing_else_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let read = |given: Option<&str>, file: Option<&Path>| {
            let given = given.map(|given| Secret::from(given.to_owned()));
            text(read_in(Some(folder.path()), "api-key", given, file))
        };
        assert_eq!(read(None, None), None);
        fs::write(folder.path().join("spiderq.api-key"), "credential\n").unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "file").unwrap();
        assert_eq!(read(None, None).as_deref(), Some("credential"));
        assert_eq!(read(None, Some(&file)).as_deref(), Some("file"));
        assert_eq!(read(Some("given"), None).as_deref(), Some("given"));
    }

    #[test]
    fn a_file_without_a_secret_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let error = || {
            let read = read_in(None, "store", None, Some(&path)).map(|_| ());
            let error = read.unwrap_err().to_string();
            error.replace(&folder.path().display().to_string(), "")
        };
        assert_eq!(
            error(),
            "--store-file: can't read /key: No such file or directory (os error 2)"
        );
        for empty in ["", "\n", "\r\n\n"] {
            fs::write(&path, empty).unwrap();
            assert_eq!(error(), "--store-file: /key is empty");
        }
        fs::write(&path, "x".repeat(64 << 10)).unwrap();
        assert!(read_in(None, "store", None, Some(&path)).is_ok());
        fs::write(&path, "x".repeat((64 << 10) + 1)).unwrap();
        assert_eq!(error(), "--store-file: /key has more than 64 KiB");
        fs::write(&path, [0xff]).unwrap();
        assert!(error().starts_with("--store-file: can't read /key: "), "{}", error());
    }
}
