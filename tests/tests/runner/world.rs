//! What every test of the runner has: a server, a site, a Scrapy project under Git, and a
//! runner of its jobs.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use spiderq_proto::v1::Role;
use spiderq_tests::{Program, Site, Stack, StoreKind, eventually, run_client, start_crawl};
use tempfile::{NamedTempFile, TempDir};

/// The version of the project's code: its tag and its branch.
pub(crate) const VERSION: &str = "1.0-main";

/// A server with a user and a worker, and what there is to crawl.
pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) site: Site,
    /// The user's key.
    pub(crate) user: String,
    /// The worker's key.
    pub(crate) worker: String,
    folder: TempDir,
}

impl World {
    pub(crate) async fn start(kind: StoreKind) -> Self {
        let stack = Stack::start(kind).await;
        let user = stack.create_key("testuser", Role::User, &[]).await;
        let worker = stack.create_key("jobrunner", Role::Worker, &[1, 2]).await;
        let folder = tempfile::tempdir().unwrap();
        project(folder.path());
        Self { stack, site: Site::start().await, user, worker, folder }
    }

    /// Schedules a job of project 1 by `curl`; its key.
    pub(crate) async fn schedule(&self, spider: &str, fields: &[(&str, &str)]) -> String {
        self.schedule_in(1, spider, fields).await
    }

    pub(crate) async fn schedule_in(
        &self,
        project: u32,
        spider: &str,
        fields: &[(&str, &str)],
    ) -> String {
        let mut form = vec![format!("project={project}"), format!("spider={spider}")];
        form.extend(fields.iter().map(|(name, value)| format!("{name}={value}")));
        let answer = self.curl("/api/run.json", &form).await;
        answer["jobid"].as_str().unwrap().to_owned()
    }

    /// Asks the server to stop a job.
    pub(crate) async fn stop(&self, key: &str) {
        let form = ["project=1".to_owned(), format!("job={key}")];
        let answer = self.curl("/api/jobs/stop.json", &form).await;
        assert_eq!(answer, serde_json::json!({"status": "ok"}));
    }

    pub(crate) async fn metadata(&self, key: &str) -> Value {
        self.curl(&format!("/jobs/{key}"), &[]).await
    }

    /// A job's row of `jobs/list.json`.
    pub(crate) async fn row(&self, key: &str) -> Value {
        let path = format!("/api/jobs/list.json?project=1&job={key}");
        self.curl(&path, &[]).await["jobs"][0].clone()
    }

    /// The answer to `curl` as the user. A field `NAME@FILE` is what the file holds.
    pub(crate) async fn curl(&self, path: &str, form: &[String]) -> Value {
        let (url, user) = (format!("{}{path}", self.stack.url), format!("{}:", self.user));
        let mut args = vec!["--silent", "--show-error", "--fail-with-body", "--user", &user, &url];
        for field in form {
            args.extend(["--data-urlencode", field]);
        }
        let printed = run_client(&self.stack.url, &self.user, "curl", &args).await;
        serde_json::from_str(&printed).unwrap()
    }

    /// A runner of project 1 and what else `flags` say.
    pub(crate) fn runner(&self, flags: &[&str]) -> Runner {
        let (command, project) = (start_crawl(), self.project());
        let command = command.to_str().unwrap();
        let scrapy = ["--start-crawl", command, "--project-dir", &project];
        self.runner_of(&[scrapy.as_slice(), flags].concat())
    }

    /// A runner of project 1 that runs a command.
    pub(crate) fn runner_of(&self, flags: &[&str]) -> Runner {
        let flags = self.flags(flags);
        Runner(Program::spawn(&flags.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// The command line of a runner of project 1.
    pub(crate) fn flags(&self, more: &[&str]) -> Vec<String> {
        let data = self.data();
        let fixed = [
            "runner",
            "--server",
            &self.stack.url,
            "--api-key",
            &self.worker,
            "--project",
            "1",
            "--name",
            "test",
            "--keep-local",
            "--data-dir",
            data.to_str().unwrap(),
        ];
        fixed.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    /// The folder for logs and items of all jobs.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of the Scrapy project.
    pub(crate) fn project(&self) -> String {
        let project = self.folder.path().join("project");
        project.to_str().unwrap().to_owned()
    }

    /// Where logs and items of a job go.
    pub(crate) fn file(&self, key: &str, name: &str) -> PathBuf {
        self.data().join(key).join(name)
    }

    /// The first item of a job, as soon as it is there.
    pub(crate) async fn first_item(&self, key: &str) -> Value {
        let first = async || self.lines(key, "items.1.jl").into_iter().next();
        eventually("no item", first).await
    }

    /// The messages of a job's log.
    pub(crate) fn messages(&self, key: &str) -> Vec<String> {
        let lines = self.lines(key, "log.1.jl");
        lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The processes of a running job, by `pids` of its first item.
    pub(crate) async fn pids(&self, key: &str) -> Vec<u64> {
        let item = self.first_item(key).await;
        let pids: Vec<u64> = serde_json::from_value(item["pids"].clone()).unwrap();
        assert!(!pids.iter().any(|pid| is_dead(*pid)));
        pids
    }

    /// Waits until none of the processes is alive.
    pub(crate) async fn dead(&self, pids: &[u64]) {
        let dead = async || pids.iter().all(|pid| is_dead(*pid)).then_some(());
        eventually("it lives on", dead).await;
    }

    /// The JSON lines of such a file.
    pub(crate) fn lines(&self, key: &str, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.file(key, name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Whether a process is no more, or no more than a name that waits for its parent.
fn is_dead(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.rsplit(") ").next().unwrap().starts_with('Z'))
}

/// A running `spiderq runner`. Killed when dropped.
pub(crate) struct Runner(pub(crate) Program);

impl Runner {
    /// Waits until it prints a line with `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        tokio::task::block_in_place(|| self.0.wait_for(text))
    }

    /// Waits until it has finished the job.
    pub(crate) fn wait_for_end(&mut self, key: &str) -> String {
        self.wait_for(&format!("ended job=\"{key}\""))
    }

    /// Waits for its end, and that it is a good one; what it printed.
    pub(crate) fn join(self) -> String {
        let (status, printed) = tokio::task::block_in_place(|| self.0.join());
        assert!(status.success(), "{status}:\n{printed}");
        printed
    }

    /// Waits for its end, and that it is a bad one; what it printed.
    pub(crate) fn fail(self) -> String {
        let (status, printed) = tokio::task::block_in_place(|| self.0.join());
        assert!(!status.success(), "{status}:\n{printed}");
        printed
    }

    /// Sends it SIGHUP.
    pub(crate) fn hang_up(&self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }

    /// Asks it to end.
    pub(crate) fn signal(&self) {
        self.0.signal();
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }
}

/// A shell script that every user can read; gone when dropped.
pub(crate) fn script(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    file
}

/// `--command` that runs such a script.
pub(crate) fn run_script(script: &NamedTempFile, args: &str) -> String {
    format!("sh {} {args}", script.path().display())
}

/// A copy of the project, committed and tagged.
fn project(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/scrapy_project");
    let git = "git -C project -c user.name=x -c user.email=x@example.org";
    let commands = [
        format!("cp -r {} project", source.display()),
        format!("{git} init --quiet --initial-branch main"),
        format!("{git} add ."),
        format!("{git} commit --quiet --message x"),
        format!("{git} tag --annotate --message x 1.0"),
    ];
    for command in commands {
        let mut words = command.split(' ');
        let mut command = Command::new(words.next().unwrap());
        let status = command.args(words).current_dir(folder).status().unwrap();
        assert!(status.success(), "{command:?}");
    }
}
