//! Clients that are not Rust: where the set-up command (`scripts/test`) puts them.

use std::path::{Path, PathBuf};

/// The Python of the private virtual environment.
#[must_use]
pub fn python() -> PathBuf {
    installed(".venv/bin/python")
}

/// A command that npm installed.
#[must_use]
pub fn node_tool(name: &str) -> PathBuf {
    installed(&format!("node_modules/.bin/{name}"))
}

fn installed(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join(path);
    assert!(
        path.exists(),
        "{} is not there: run scripts/test, which installs it",
        path.display()
    );
    path
}
