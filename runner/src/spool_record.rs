//! What lies beside the spool of an attempt, `spool.N.jl`: whose output it is and which file begins
//! with which line, so that a later runner can send what a killed one has left. The runner that
//! fills the spool holds a lock of the record (`flock`) while it lives.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{
    client::HeldJob,
    private_files::{create_file, create_folder},
};

/// Whose output a spool holds: the first line of its record. It has the fence, a secret.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Owner {
    /// The URL of the server that gave the job.
    pub(crate) server: String,
    pub(crate) project: i64,
    pub(crate) key: String,
    pub(crate) attempt: i32,
    pub(crate) fence: String,
}

impl Owner {
    pub(crate) fn new(server: &str, held: &HeldJob, attempt: i32) -> Self {
        let HeldJob { project, key, fence } = held.clone();
        Self { server: server.to_owned(), project, key, attempt, fence }
    }

    pub(crate) fn held(&self) -> HeldJob {
        let Self { server: _, project, key, attempt: _, fence } = self.clone();
        HeldJob { project, key, fence }
    }
}

/// A file of the spool: each further line of the record.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
struct FileLine {
    /// The output's name: `log`, `items`, `requests`.
    output: String,
    /// The file's number in the spool.
    number: u32,
    /// The number of its first line in the output of the attempt.
    start: i64,
}

/// The record of a spool, locked until it is dropped.
#[derive(Debug)]
pub(crate) struct SpoolRecord {
    path: PathBuf,
    /// Its own: `spool.NUMBER.jl`.
    number: u64,
    file: Mutex<File>,
}

impl SpoolRecord {
    /// Creates one in `folder`, which is created too, with the first number that is free.
    pub(crate) fn create(folder: &Path, owner: &Owner) -> io::Result<Self> {
        let (path, number, file) = create(folder)?;
        // Another runner may look at it just now. It has no owner before it is locked, so that one
        // leaves it alone.
        file.lock()?;
        let record = Self { path, number, file: Mutex::new(file) };
        record.write(owner)?;
        Ok(record)
    }

    /// The name of a file of its spool. No two spools that lie in a folder have one in common, also
    /// where the files of one were removed and its record was not.
    pub(crate) fn file_name(&self, output: &str, number: u32) -> String {
        match self.number {
            1 => format!("{output}.{number}.jl"),
            spool => format!("{output}.{number}.{spool}.jl"),
        }
    }

    /// Called before the file is created, so that a killed runner leaves none that is not noted.
    pub(crate) fn add(&self, output: &str, number: u32, start: i64) -> io::Result<()> {
        self.write(&FileLine { output: output.to_owned(), number, start })
    }

    /// By one call of the system: a killed runner leaves all of the line or nothing.
    fn write(&self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }

    /// Nothing of the spool will be sent any more. The folder goes if nothing else is in it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        if let Some(folder) = self.path.parent() {
            // It stays where other files are in it.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

fn create(folder: &Path) -> io::Result<(PathBuf, u64, File)> {
    let mut number = 1;
    loop {
        create_folder(folder)?;
        let path = folder.join(format!("spool.{number}.jl"));
        match create_file(&path) {
            Ok(file) => return Ok((path, number, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            // The folder went with the last file of an earlier attempt.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

/// A spool that no living runner fills.
pub(crate) struct LeftSpool {
    /// Keeps other runners from sending it too.
    pub(crate) record: SpoolRecord,
    pub(crate) owner: Owner,
    pub(crate) folder: PathBuf,
    files: Vec<FileLine>,
}

impl LeftSpool {
    /// The spools below `data`, in `P/S/J/`, that nobody fills or sends.
    pub(crate) fn find_all(data: &Path) -> Vec<Self> {
        let mut folders = vec![data.to_owned()];
        for _level in ["project", "spider", "job"] {
            folders = folders.iter().flat_map(|folder| entries(folder, is_number)).collect();
        }
        let records = folders.iter().flat_map(|folder| entries(folder, is_record));
        let left = records.filter_map(|path| match Self::open(&path) {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "record of a spool not read");
                None
            }
        });
        left.filter(|left| data.join(&left.owner.key) == left.folder).collect()
    }

    /// `None`: a living runner has it, or it is gone.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it may have removed it meanwhile.
        if file.metadata()?.nlink() == 0 {
            return Ok(None);
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let Some((owner, files)) = parse(&text)? else { return Ok(None) };
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let number = path.file_name().and_then(|name| record_number(name.to_str()?));
        let number = number.ok_or_else(malformed)?;
        let record = SpoolRecord { path: path.to_owned(), number, file: Mutex::new(file) };
        Ok(Some(Self { record, owner, folder, files }))
    }

    /// The files of an output that are left, in their order, and the number of the first line of
    /// each. Those that the server had acknowledged are gone, and one may not be there yet.
    pub(crate) fn files(&self, output: &str) -> Vec<(PathBuf, i64)> {
        let of_output = self.files.iter().filter(|file| file.output == output);
        let path = |file: &FileLine| self.folder.join(self.record.file_name(output, file.number));
        of_output.map(|file| (path(file), file.start)).filter(|(path, _)| path.exists()).collect()
    }
}

/// `None`: it has no owner yet. What is behind the last line feed was not written out.
fn parse(text: &str) -> io::Result<Option<(Owner, Vec<FileLine>)>> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut lines = whole.lines();
    let Some(first) = lines.next() else { return Ok(None) };
    // An error of the parser may quote the line, which has a secret.
    let owner = serde_json::from_str(first).map_err(|_| malformed())?;
    let files = lines.map(serde_json::from_str).collect::<Result<_, _>>();
    Ok(Some((owner, files.map_err(|_| malformed())?)))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not as a runner writes it")
}

/// Paths in `folder` whose names are wanted; none where it can't be read.
fn entries(folder: &Path, wanted: fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(wanted))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

fn is_number(name: &str) -> bool {
    name.parse::<u64>().is_ok()
}

fn is_record(name: &str) -> bool {
    record_number(name).is_some()
}

fn record_number(name: &str) -> Option<u64> {
    name.strip_prefix("spool.")?.strip_suffix(".jl")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, sync::Arc};

    use super::*;
    use crate::rotated_file::RotatedFile;

    fn owner() -> Owner {
        let held = HeldJob { project: 1, key: "1/2/3".into(), fence: "secret".into() };
        Owner::new("http://x", &held, 1)
    }

    #[test]
    fn a_record_is_found_once_its_runner_is_gone() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("1/2/3");
        let record = SpoolRecord::create(&folder, &owner()).unwrap();
        record.add("items", 1, 0).unwrap();
        record.add("items", 4, 17).unwrap();
        let path = folder.join("spool.1.jl");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(folder.join("items.4.jl"), "").unwrap();
        assert!(LeftSpool::find_all(data.path()).is_empty(), "its runner lives");
        drop(record);
        let left = LeftSpool::find_all(data.path());
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].owner.key.as_str(), left[0].owner.fence.as_str()), ("1/2/3", "secret"));
        assert_eq!(left[0].files("items"), [(folder.join("items.4.jl"), 17)], "the first is gone");
        assert!(left[0].files("log").is_empty());
        assert!(LeftSpool::find_all(data.path()).is_empty(), "another runner sends it");
        fs::remove_file(folder.join("items.4.jl")).unwrap();
        left[0].record.remove().unwrap();
        assert!(!folder.exists());
    }

    /// The second attempt of a job whose first one has left files, some of which were sent.
    #[test]
    fn spools_of_one_folder_have_no_file_in_common() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("1/2/3");
        let first = SpoolRecord::create(&folder, &owner()).unwrap();
        first.add("items", 1, 0).unwrap();
        first.add("items", 2, 9).unwrap();
        fs::write(folder.join(first.file_name("items", 2)), "").unwrap();
        drop(first);
        let second = Arc::new(SpoolRecord::create(&folder, &owner()).unwrap());
        let file = RotatedFile::create(&folder, "items", 8, Some(second)).unwrap();
        assert_eq!(file.path(), folder.join("items.1.2.jl"));
        let left = LeftSpool::find_all(data.path());
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].files("items"), [(folder.join("items.2.jl"), 9)]);
        drop(file);
        drop(left);
        let left = LeftSpool::find_all(data.path());
        assert_eq!(left[1].files("items"), [(folder.join("items.1.2.jl"), 0)]);
    }

    /// A runner that is killed between the two leaves no file of which nobody knows.
    #[test]
    fn a_file_is_noted_before_it_is_there() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("1/2/3");
        drop(SpoolRecord::create(&folder, &owner()).unwrap());
        let left = LeftSpool::find_all(data.path()).remove(0);
        // It was opened to be read only.
        let file = RotatedFile::create(&folder, "items", 8, Some(Arc::new(left.record)));
        assert!(file.is_err());
        assert!(!folder.join("items.1.jl").exists());
    }

    #[test]
    fn what_is_torn_or_of_another_job_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("1/2/4");
        SpoolRecord::create(&folder, &owner()).unwrap();
        fs::write(folder.join("spool.2.jl"), "").unwrap();
        fs::write(folder.join("spool.3.jl"), "{\"key\": \"1/2").unwrap();
        fs::write(folder.join("spool.4.jl"), "[]\n").unwrap();
        assert!(LeftSpool::find_all(data.path()).is_empty());
        let text = serde_json::to_string(&owner()).unwrap();
        let torn = format!("{text}\n{{\"output\":\"log\",\"number\":1,\"start\":0}}\n{{\"out");
        let (_, files) = parse(&torn).unwrap().unwrap();
        assert_eq!(files, [FileLine { output: "log".into(), number: 1, start: 0 }]);
        let error = parse("{\"fence\": \"secret\"}\n").err().unwrap();
        assert_eq!(error.to_string(), "not as a runner writes it");
    }
}
