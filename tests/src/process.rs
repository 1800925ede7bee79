//! The real `spiderq` program as a child process: started, read, stopped, killed.
//!
//! Tests follow it by the lines that it prints.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use crate::{Stack, wait::TIMEOUT};

/// The program, built from this tree at the first call, so that it is never an old one.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut build = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        build.args(["build", "--quiet", "--workspace", "--bin", "spiderq"]);
        // What Cargo tells tests of their package: build scripts that read such variables, as that
        // of ring, would run anew, and all that depends on them be built again.
        let of_package =
            |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|p| name.starts_with(p));
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(of_package) {
                build.env_remove(name);
            }
        }
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        assert!(build.status().expect("cargo").success(), "cargo build");
        // This binary lies in `target/PROFILE` or in `target/PROFILE/deps`.
        let mine = env::current_exe().expect("a path");
        let folders = mine.ancestors().skip(1).take(2);
        let mut programs = folders.map(|folder| folder.join("spiderq"));
        programs.find(|path| path.exists()).expect("spiderq")
    })
}

/// A port of the system's choice.
const LISTEN: &[&str] = &["--listen", "127.0.0.1:0"];

/// A running `spiderq`. Killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    output: Vec<String>,
    /// `http://127.0.0.1:PORT` once it listens; empty where it does not.
    pub url: String,
}

impl Program {
    /// Runs `spiderq ARGS` and reads on until it listens.
    #[must_use]
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(&[], args)
    }

    /// `spiderq serve` over `store` on a free port, with the admin key of every stack and more
    /// flags.
    #[must_use]
    pub fn serve(store: &str, more: &[&str]) -> Self {
        Self::serve_in(&[], store, more)
    }

    /// The same, with more in its environment.
    #[must_use]
    pub fn serve_in(environment: &[(&str, &str)], store: &str, more: &[&str]) -> Self {
        let args = ["serve", "--store", store, "--admin-key", Stack::KEY];
        Self::start_in(environment, &[&args, LISTEN, more].concat())
    }

    /// `spiderq service`, without a gateway.
    #[must_use]
    pub fn service(store: &str, more: &[&str]) -> Self {
        let args = ["service", "--store", store, "--admin-key", Stack::KEY];
        Self::start(&[&args, LISTEN, more].concat())
    }

    /// `spiderq gateway` before the server at `upstream`.
    #[must_use]
    pub fn gateway(upstream: &str, more: &[&str]) -> Self {
        let args = ["gateway", "--upstream", upstream];
        Self::start(&[&args, LISTEN, more].concat())
    }

    /// As [`Program::serve`], with at most so much address space (RLIMIT_AS), KiB, as docs/limits.md
    /// says for such a limit.
    #[must_use]
    pub fn serve_within(kib: u64, store: &str, more: &[&str]) -> Self {
        let args = ["serve", "--store", store, "--admin-key", Stack::KEY];
        let mut limited = without_settings("sh");
        limited.args(["-c", r#"ulimit -v "$1" && shift && exec "$@""#, "sh", &kib.to_string()]);
        limited.env("MALLOC_ARENA_MAX", "2").arg(program()).args(args).args(LISTEN).args(more);
        Self::spawn_command(limited).listening()
    }

    /// Runs `spiderq ARGS`, a server, with more in its environment.
    #[must_use]
    pub fn start_in(environment: &[(&str, &str)], args: &[&str]) -> Self {
        Self::spawn_in(environment, args).listening()
    }

    /// Reads on until it listens.
    fn listening(mut self) -> Self {
        let line = self.wait_for("listening address=");
        let address = line.split("address=").nth(1).expect("an address");
        let address = address.split_whitespace().next().expect("an address");
        self.url = format!("http://{address}");
        self
    }

    /// Runs `spiderq ARGS`, which need not be a server.
    #[must_use]
    pub fn spawn(args: &[&str]) -> Self {
        Self::spawn_in(&[], args)
    }

    /// The same, by another path of the program, such as a link to it.
    #[must_use]
    pub fn spawn_as(path: &Path, args: &[&str]) -> Self {
        let mut command = without_settings(path);
        command.args(args);
        Self::spawn_command(command)
    }

    fn spawn_in(environment: &[(&str, &str)], args: &[&str]) -> Self {
        let mut command = command(args);
        command.envs(environment.iter().copied());
        Self::spawn_command(command)
    }

    fn spawn_command(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("spiderq");
        let (sender, lines) = mpsc::channel();
        read(child.stdout.take().expect("its output"), sender.clone());
        read(child.stderr.take().expect("its log"), sender);
        Self { child, lines, output: Vec::new(), url: String::new() }
    }

    /// The first line that holds `text`, among those read so far or yet to come: lines of the
    /// two pipes come in no order.
    pub fn wait_for(&mut self, text: &str) -> String {
        if let Some(line) = self.output.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        self.wait_for_next(text)
    }

    /// The same, of lines that were not read before.
    pub fn wait_for_next(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(TIMEOUT) else {
                panic!("no {text:?} from spiderq:\n{}", self.output.join("\n"));
            };
            self.output.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory, KiB.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most that its resident memory has been, KiB.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(path).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).expect("a size")
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }

    /// Sends it SIGTERM.
    pub fn signal(&self) {
        self.send_signal("TERM");
    }

    /// Sends it the signal of this name, such as `HUP`.
    pub fn send_signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-s", name, &id]).status();
        assert!(asked.expect("kill").success());
    }

    /// Sends it SIGTERM and waits for its end; its exit status and output.
    #[must_use]
    pub fn terminate(self) -> (ExitStatus, String) {
        self.signal();
        self.join()
    }

    /// Waits for its end; its exit status and output.
    #[must_use]
    pub fn join(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("its end");
        let rest = std::mem::take(&mut self.output);
        let all: Vec<String> = rest.into_iter().chain(self.lines.iter()).collect();
        (status, all.join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `spiderq ARGS`, without settings from the environment.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = without_settings(program());
    command.args(args);
    command
}

/// `program`, which inherits no settings of spiderq.
fn without_settings(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars() {
        if name.starts_with("SPIDERQ_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs `spiderq ARGS` to its end; its exit status, standard output and standard error.
#[must_use]
pub fn run(args: &[&str]) -> (ExitStatus, String, String) {
    run_in(&[], args)
}

/// The same, with more in its environment.
#[must_use]
pub fn run_in(environment: &[(&str, &str)], args: &[&str]) -> (ExitStatus, String, String) {
    let mut command = command(args);
    let output = command.envs(environment.iter().copied()).output().expect("spiderq");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status, text(&output.stdout), text(&output.stderr))
}

fn read(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
}
