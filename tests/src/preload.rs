//! A library in C that is loaded before a program and changes what the system tells it: its clock,
//! its disk. A file says how, so that a test can change it while the program runs.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::Program;

/// The library, built by the C compiler that Rust needs anyway, and the file that it reads.
#[derive(Debug)]
pub struct Preload {
    folder: TempDir,
    library: String,
    /// The variable that names the file.
    variable: &'static str,
}

impl Preload {
    /// Sets a program's clock ahead by as many seconds as [`Preload::say`] says.
    #[must_use]
    pub fn clock() -> Self {
        Self::build("data/clock/ahead.c", "CLOCK_AHEAD_FILE")
    }

    /// Makes the disk under a program's database fail: `full` or `fsync`; whole with any other
    /// word.
    #[must_use]
    pub fn disk() -> Self {
        Self::build("data/disk/failing.c", "FAILING_DISK")
    }

    fn build(source: &str, variable: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = folder.path().join("preload.so").display().to_string();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o", &library])
            .arg(source)
            .arg("-ldl")
            .status();
        assert!(built.expect("a C compiler").success());
        Self { folder, library, variable }
    }

    /// From now on, for all programs that it was loaded before.
    pub fn say(&self, word: &str) {
        // In one step: a program may read it at any moment.
        let next = self.folder.path().join("next");
        fs::write(&next, word).expect("a file");
        fs::rename(next, self.folder.path().join("now")).expect("a file");
    }

    /// `spiderq serve` on `store` with the library.
    #[must_use]
    pub fn serve(&self, store: &str, more: &[&str]) -> Program {
        let word = self.folder.path().join("now").display().to_string();
        let environment = [("LD_PRELOAD", self.library.as_str()), (self.variable, word.as_str())];
        Program::serve_in(&environment, store, more)
    }

    /// Its folder, for other files of the test.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
