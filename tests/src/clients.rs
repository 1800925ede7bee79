//! Clients that are not Rust: where the set-up command (`scripts/test`) puts them, and how
//! the examples of `tests/clients` are run.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The Python of the private virtual environment.
#[must_use]
pub fn python() -> PathBuf {
    installed(".venv/bin/python")
}

/// The command that runs a spider, of the same environment.
#[must_use]
pub fn start_crawl() -> PathBuf {
    installed(".venv/bin/start-crawl")
}

/// A command that npm installed.
#[must_use]
pub fn node_tool(name: &str) -> PathBuf {
    installed(&format!("node_modules/.bin/{name}"))
}

/// Fails the test with advice if one of `commands` is missing.
pub fn need(commands: &[&str]) {
    for command in commands {
        let found = commands_path().iter().any(|dir| dir.join(command).exists());
        assert!(found, "the command {command} is not there: run scripts/test, which installs it");
    }
}

/// Folders in which commands are looked up: those of the set-up first.
fn commands_path() -> Vec<PathBuf> {
    let tools = ["node_modules/.bin", ".venv/bin"].map(|dir| root().join(dir));
    let system = env::var_os("PATH").unwrap_or_default();
    tools.into_iter().chain(env::split_paths(&system)).collect()
}

/// Runs `program ARGS` with the server's address and a key in its environment and an empty home;
/// returns its output. Fails the test if the program fails.
pub async fn run_client(url: &str, key: &str, program: &str, args: &[&str]) -> String {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut command = client_command(program, args, home.path());
    command.stdin(Stdio::null()).env("SPIDERQ_URL", url).env("SPIDERQ_KEY", key);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.expect("an end").expect("a command that runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {args:?}: {}\n{printed}\n{errors}", output.status);
    printed
}

/// `program ARGS` among the commands of the set-up, in its home.
#[must_use]
pub fn client_command(program: &str, args: &[&str], home: &Path) -> Command {
    need(&[program]);
    let path = env::join_paths(commands_path());
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(home)
        .env("PATH", path.expect("a path of commands"))
        .env("HOME", home)
        // Some clients ask for a newer version of themselves; here they get no connection.
        .env("HTTPS_PROXY", "http://127.0.0.1:9");
    command
}

/// A file of `tests/clients`.
#[must_use]
pub fn client_file(name: &str) -> String {
    let path = root().join("tests/clients").join(name);
    path.to_str().expect("a path of text").to_owned()
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the folder above")
}

fn installed(path: &str) -> PathBuf {
    let path = root().join(path);
    assert!(path.exists(), "{} is not there: run scripts/test, which installs it", path.display());
    path
}
