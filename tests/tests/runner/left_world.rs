//! What tests of output that a killed runner leaves have: a server that can be stopped, and a job
//! that puts out numbered items in rounds, each as soon as the test says so.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use spiderq_proto::v1::{
    GetOutputStatsRequest, JobState, JobUpdate, OutputKind, UpdateQueueRequest, job_update::Target,
};
use spiderq_tests::{Grpc, Http, Program, Stack, StoreKind, eventually, redis_server::RedisServer};
use tempfile::{NamedTempFile, TempDir};

use crate::{
    output::lines_of,
    world::{Runner, run_script, script},
};

/// Items of a whole job.
pub(crate) const TOTAL: usize = 4_000;
/// Items of its first two rounds. The first attempt stays there.
pub(crate) const TWO_ROUNDS: usize = 3_000;

pub(crate) struct LeftWorld {
    pub(crate) server: Program,
    pub(crate) grpc: Grpc,
    http: Http,
    script: NamedTempFile,
    folder: TempDir,
    _redis: Option<RedisServer>,
}

impl LeftWorld {
    pub(crate) fn start(kind: StoreKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let redis = (kind == StoreKind::Redis).then(|| RedisServer::start(&[]));
        let sqlite = || format!("sqlite:{}", path("spiderq.db"));
        let store = redis.as_ref().map_or_else(sqlite, RedisServer::url);
        let output = format!("file:{}", path("output"));
        let server = Program::serve(&store, &["--output", &output]);
        assert!(
            Command::new("mkfifo").args([path("pipe1"), path("pipe2")]).status().unwrap().success()
        );
        let (pipe, ran) = (path("pipe"), path("ran"));
        // Only a job's first attempt waits for the test. Each gate has a pipe of its own: at the
        // same one, the second would find the end of what was written for the first.
        let text = format!(
            r#"exec 3> $SHUB_FIFO_PATH
            items() {{ seq -f 'ITM {{"n": %.0f}}' $1 $2 >&3; }}
            mkdir {ran}.$1 2> /dev/null && first=1
            gate() {{ [ -z $first ] || read line < {pipe}$1; }}
            items 1 $1; gate 1
            items $(($1 + 1)) {TWO_ROUNDS}; gate 2
            items {} {TOTAL}"#,
            TWO_ROUNDS + 1
        );
        Self {
            grpc: Grpc::new(&server.url, Stack::KEY),
            http: Http::new(&server.url).basic(Stack::KEY, ""),
            server,
            script: script(&text),
            folder,
            _redis: redis,
        }
    }

    /// A job with so many items in its first round, and a runner that has begun it.
    pub(crate) async fn begin(&self, first_round: usize) -> (Runner, String) {
        let first_round = first_round.to_string();
        let fields = [("project", "1"), ("spider", "any"), ("round", first_round.as_str())];
        let answer = self.http.form("/api/run.json", &fields).await.ok().json();
        let job = answer["jobid"].as_str().unwrap().to_owned();
        (self.runner(&[]), job)
    }

    /// A runner of these jobs.
    pub(crate) fn runner(&self, more: &[&str]) -> Runner {
        self.runner_of(&self.server.url, "1", more)
    }

    /// A runner on the same folder, of this server and project.
    pub(crate) fn runner_of(&self, url: &str, project: &str, more: &[&str]) -> Runner {
        let command = run_script(&self.script, "{arg:round}");
        let data = self.data();
        let flags = [
            "runner",
            "--server",
            url,
            "--api-key",
            Stack::KEY,
            "--project",
            project,
            "--data-dir",
            data.to_str().unwrap(),
            "--rotate-bytes",
            "8KiB",
            "--lease",
            "600",
            "--command",
            &command,
        ];
        Runner(Program::spawn(&[flags.as_slice(), more].concat()))
    }

    /// What a runner on the same folder that takes none of the jobs prints until it ends.
    pub(crate) fn idle_runner(&self) -> String {
        self.runner(&["--once", "--spider", "another"]).join()
    }

    /// Lets the job go on after its first or second round.
    pub(crate) fn open_gate(&self, after_round: u8) {
        let pipe = self.folder.path().join(format!("pipe{after_round}"));
        tokio::task::block_in_place(|| fs::write(pipe, "go\n").unwrap());
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Items that the server has of the last attempt.
    pub(crate) async fn stored(&self, job: &str) -> usize {
        let request = GetOutputStatsRequest { key: job.to_owned(), attempt: None };
        let stats = self.grpc.output().get_output_stats(request).await.unwrap().into_inner();
        let items = stats.outputs.iter().find(|output| output.kind() == OutputKind::Items);
        items.map_or(0, |items| usize::try_from(items.lines).unwrap())
    }

    /// Waits until the server has so many.
    pub(crate) async fn wait_stored(&self, job: &str, count: usize) {
        let stored = async || (self.stored(job).await >= count).then_some(());
        eventually("items are not stored", stored).await;
    }

    /// Waits until so many items are in the runner's files, or have been.
    pub(crate) async fn wait_spooled(&self, job: &str, count: usize) {
        let spooled = async || (last_item(&self.data().join(job)) >= count).then_some(());
        eventually("items are not written", spooled).await;
    }

    /// Waits until nothing is left of the job on the runner's machine.
    pub(crate) async fn wait_sent(&self, job: &str) {
        let folder = self.data().join(job);
        eventually("files stay", async || (!folder.exists()).then_some(())).await;
    }

    pub(crate) async fn assert_items(&self, job: &str, attempt: i32, count: usize) {
        let items = lines_of(&self.grpc, job, OutputKind::Items, Some(attempt)).await;
        let expected: Vec<Value> = (1..=count).map(|n| json!({"n": n})).collect();
        assert_eq!(items.len(), expected.len(), "attempt {attempt}");
        assert!(items == expected, "attempt {attempt} is not in order");
    }

    /// A row of the list of jobs.
    pub(crate) async fn row(&self, job: &str) -> Value {
        let path = format!("/api/jobs/list.json?project=1&job={job}");
        self.http.get(&path).await.ok().json()["jobs"][0].clone()
    }

    /// Moves a job whose runner is gone as that one would have.
    pub(crate) async fn move_to(&self, job: &str, fence: &str, state: JobState) {
        move_to(&self.grpc, job, fence, state).await;
    }
}

pub(crate) async fn move_to(grpc: &Grpc, job: &str, fence: &str, state: JobState) {
    let (target, fence) = (Some(Target::Key(job.to_owned())), fence.to_owned());
    let update = JobUpdate { target, fence, state: state.into(), ..JobUpdate::default() };
    let updates = UpdateQueueRequest { updates: vec![update], ..UpdateQueueRequest::default() };
    let answer = grpc.queue().update_queue(updates).await.unwrap().into_inner();
    assert!(format!("{answer:?}").contains("Made"), "{answer:?}");
}

/// The fence in the record of the first attempt.
pub(crate) fn fence(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("spool.1.jl")).unwrap();
    let owner: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    owner["fence"].as_str().unwrap().to_owned()
}

/// The whole lines of all files of items that are left.
pub(crate) fn left_items(folder: &Path) -> Vec<Value> {
    let number = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("items.")?.strip_suffix(".jl")?.parse::<u32>().ok()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| number(path).is_some());
    paths.sort_by_key(number);
    let texts = paths.iter().map(|path| fs::read_to_string(path).unwrap_or_default());
    let text: String = texts.collect();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The number of the last whole item in the files; 0: there is none.
pub(crate) fn last_item(folder: &Path) -> usize {
    let items = left_items(folder);
    items.last().map_or(0, |item| usize::try_from(item["n"].as_u64().unwrap()).unwrap())
}
