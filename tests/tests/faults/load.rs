//! A mixed load over HTTP, a caller for each project, and the outcome of each call.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use spiderq_tests::{Http, Lateness, Response, Stack, TIMEOUT};
use tokio::{sync::mpsc, task::JoinHandle};

/// No call takes longer: the store ends its part within 3 s, and the rest takes what it takes
/// on a busy machine. Far below the time for which a fault lasts that would make a call hang.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long after the return of Redis all must be well again, and later only as much as the
/// machine is late.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);
/// How long the load goes on from then, to see that it stays so.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// A call that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) project: u64,
    #[expect(dead_code, reason = "shown where a call was not as it should be")]
    what: &'static str,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    pub(crate) status: u16,
    retry_after: String,
    #[expect(dead_code, reason = "shown where a call was not as it should be")]
    error: String,
    /// The job that it says is there.
    key: Option<String>,
}

/// Callers that go on until they are stopped.
pub(crate) struct Load {
    url: String,
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<()>>,
    ended: mpsc::UnboundedReceiver<Call>,
    calls: Vec<Call>,
    lateness: Lateness,
}

impl Load {
    /// Begins, with a caller for each of `projects`, each pushing jobs of `size` bytes.
    pub(crate) fn start(url: &str, projects: impl IntoIterator<Item = u64>, size: usize) -> Self {
        Self::start_as(Stack::KEY, url, projects, size)
    }

    /// The same with another key.
    pub(crate) fn start_as(
        key: &str,
        url: &str,
        projects: impl IntoIterator<Item = u64>,
        size: usize,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, ended) = mpsc::unbounded_channel();
        let caller = |project| {
            let caller = Caller {
                http: Http::new(url).basic(key, ""),
                project,
                filler: "x".repeat(size),
                ended: sender.clone(),
            };
            tokio::spawn(caller.call_until(stop.clone()))
        };
        Self {
            url: url.to_owned(),
            callers: projects.into_iter().map(caller).collect(),
            stop,
            ended,
            calls: Vec::new(),
            lateness: Lateness::measure(),
        }
    }

    /// Reads on until `done` says so of a call.
    async fn until(&mut self, mut done: impl FnMut(&Call) -> bool) {
        let reading = async {
            loop {
                let call = self.ended.recv().await.expect("callers");
                let last = done(&call);
                self.calls.push(call);
                if last {
                    return;
                }
            }
        };
        let read = tokio::time::timeout(TIMEOUT, reading).await;
        read.expect("the callers do not get there in time");
    }

    /// Reads on until each of `projects` has had `count` good calls that began after `from`.
    pub(crate) async fn until_good(&mut self, projects: &[u64], count: usize, from: Instant) {
        let mut good: Vec<u64> = Vec::new();
        self.until(|call| {
            if call.status == 200 && call.began >= from {
                good.push(call.project);
            }
            let of = |project| good.iter().filter(|one| *one == project).count();
            projects.iter().all(|project| of(project) >= count)
        })
        .await;
    }

    /// The same, and goes on for a while. Redis came back at `back`: the moment from which on all
    /// calls must be good.
    pub(crate) async fn recover(
        &mut self,
        projects: &[u64],
        count: usize,
        back: Instant,
    ) -> Instant {
        self.until_good(projects, count, back).await;
        let well = back + RECOVERY + self.lateness.allowance();
        self.until(|call| call.began >= well + AFTERWARDS).await;
        well
    }

    /// Goes on for `time`.
    pub(crate) async fn go_on(&mut self, time: Duration) {
        let end = Instant::now() + time;
        self.until(|call| call.began + call.took >= end).await;
    }

    /// Stops, and checks what holds for every call: it ended in time, well or with a 503
    /// or 429 that says when to try again.
    pub(crate) async fn stop(mut self) -> Vec<Call> {
        self.stop.store(true, Ordering::SeqCst);
        let ended = join_all(self.callers.drain(..));
        let ended = tokio::time::timeout(TIMEOUT, ended).await;
        for caller in ended.expect("no caller hangs") {
            caller.unwrap();
        }
        while let Ok(call) = self.ended.try_recv() {
            self.calls.push(call);
        }
        for call in &self.calls {
            assert!(call.took < CALL_TIMEOUT, "{call:?}");
            // 429: calls that wait for the store use up the memory.
            assert!([200, 429, 503].contains(&call.status), "{call:?}");
            assert!(call.status == 200 || call.retry_after == "1", "{call:?}");
        }
        self.calls
    }

    /// Where it calls.
    pub(crate) fn http(&self) -> Http {
        Http::new(&self.url).basic(Stack::KEY, "")
    }
}

/// Each call that began after `from` was good.
pub(crate) fn assert_good(calls: &[Call], from: Instant) {
    let bad = |call: &&Call| call.began >= from && call.status != 200;
    let bad: Vec<&Call> = calls.iter().filter(bad).collect();
    assert!(bad.is_empty(), "{} of them: {:?}", bad.len(), bad[0]);
}

/// The jobs that were acknowledged and are not there.
pub(crate) async fn lost(http: &Http, calls: &[Call]) -> Vec<String> {
    let projects: HashSet<u64> = calls.iter().map(|call| call.project).collect();
    let mut kept = HashSet::new();
    for project in projects {
        let states = "state=pending&state=running&state=finished";
        let list = format!("/jobq/{project}/list?{states}&count=1000000&jobmeta=state");
        let rows = http.get(&list).await.ok().column("key");
        kept.extend(rows.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    let acknowledged = calls.iter().filter_map(|call| call.key.clone());
    acknowledged.filter(|key| !kept.contains(key)).collect()
}

struct Caller {
    http: Http,
    project: u64,
    filler: String,
    ended: mpsc::UnboundedSender<Call>,
}

impl Caller {
    async fn call_until(self, stop: Arc<AtomicBool>) {
        let project = self.project;
        let mut nth = 0_u64;
        while !stop.load(Ordering::SeqCst) {
            nth += 1;
            let job = json!({"spider": format!("s{}", nth % 3), "filler": self.filler});
            self.post("push", job.to_string()).await;
            let started = self.post("startjob", "{}".to_owned()).await;
            let key = started.filter(|answer| answer.status == 200 && !answer.body.is_empty());
            if let Some(answer) = key {
                let line = json!({"key": answer.json()["key"], "state": "finished"});
                self.post("update", line.to_string()).await;
            }
            let path = format!("/jobq/{project}/list?state=finished&count=3");
            let began = Instant::now();
            let answer = self.http.get(&path).await;
            self.note("list", began, &answer, None);
        }
    }

    async fn post(&self, what: &'static str, lines: String) -> Option<Response> {
        let path = format!("/jobq/{}/{what}", self.project);
        let began = Instant::now();
        let answer = self.http.try_post(&path, lines).await?;
        let pushed = (what == "push" && answer.status == 200).then(|| answer.json());
        let key = pushed.map(|line| line["key"].as_str().expect("a key").to_owned());
        self.note(what, began, &answer, key);
        Some(answer)
    }

    fn note(&self, what: &'static str, began: Instant, answer: &Response, key: Option<String>) {
        let call = Call {
            project: self.project,
            what,
            began,
            took: began.elapsed(),
            status: answer.status,
            retry_after: answer.header("retry-after").to_owned(),
            error: if answer.status == 200 { String::new() } else { answer.text() },
            key,
        };
        // An error means that the test is over.
        let _ = self.ended.send(call);
    }
}
