//! The programs of the others: installed, and run to their end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use spiderq_tests::{client_file, redis_server::RedisServer};
use tempfile::TempDir;

/// What they are made of.
const FILES: [&str; 5] =
    ["package.json", "requirements.txt", "bullmq.mjs", "rq_jobs.py", "scrapyd.conf"];

/// What a program prints in the end.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Run {
    pub(super) seconds: f64,
    /// Seconds of CPU time.
    pub(super) cpu: f64,
}

/// A folder in which they are installed.
pub(super) struct Programs {
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

impl Programs {
    pub(super) fn install(folder: Option<&Path>) -> Self {
        let temporary = folder.is_none().then(|| tempfile::tempdir().expect("a folder"));
        let folder = folder.or(temporary.as_ref().map(TempDir::path)).expect("a folder");
        let folder = folder.to_owned();
        fs::create_dir_all(&folder).expect("a folder");
        for file in FILES {
            let source = client_file(&format!("peers/{file}"));
            fs::copy(source, folder.join(file)).expect("a file of tests/clients/peers");
        }
        let programs =
            Self { folder: folder.canonicalize().expect("a folder"), _temporary: temporary };
        programs.install_all();
        programs
    }

    /// Takes a minute or more, most of it to fetch the packages.
    fn install_all(&self) {
        eprintln!("installs the other programs into {}", self.folder.display());
        let mut npm = self.command("npm");
        npm.args(["install", "--prefix"]).arg(&self.folder);
        succeed(npm.args(["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]));
        let pip = self.folder.join("python/bin/pip");
        if !pip.exists() {
            succeed(self.command("python3").args(["-m", "venv", "python"]));
        }
        let mut pip = self.command(pip.to_str().expect("a path of text"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        succeed(pip.args(["-r", "requirements.txt"]));
    }

    pub(super) fn bullmq(&self, redis: &RedisServer, arguments: &[&str]) -> Run {
        self.run(self.command("node").arg("bullmq.mjs").args(arguments), redis)
    }

    pub(super) fn rq(&self, redis: &RedisServer, arguments: &[&str]) -> Run {
        let mut python = self.command("python/bin/python");
        self.run(python.arg("rq_jobs.py").args(arguments), redis)
    }

    /// A command of the Python environment, with its whole path.
    pub(super) fn python_command(&self, name: &str) -> PathBuf {
        self.folder.join("python/bin").join(name)
    }

    /// What `scrapyd.conf` is made of.
    pub(super) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).expect("a file that was copied")
    }

    fn run(&self, command: &mut Command, redis: &RedisServer) -> Run {
        let url = redis.url();
        let socket = url.split_once("://").expect("a URL").1;
        let printed = succeed(command.env("REDIS_SOCKET", socket).env("PYTHONPATH", &self.folder));
        let last = printed.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {printed}"))
    }

    fn command(&self, program: &str) -> Command {
        let own = self.folder.join(program);
        let mut command = if own.exists() { Command::new(own) } else { Command::new(program) };
        command.current_dir(&self.folder);
        command
    }
}

/// Runs it to its end; what it prints.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{printed}\n{errors}", output.status);
    printed
}
