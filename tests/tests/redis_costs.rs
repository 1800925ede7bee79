//! How many commands Redis runs for each call of the API, held against `tests/data/redis_commands.json`.
//! Counts depend on no clock and no machine, so that a call cannot become dearer unnoticed. One that
//! became cheaper fails too: `SPIDERQ_WRITE_COSTS=1` writes the table anew.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
};

use spiderq_proto::v1::{
    HeartbeatRequest, JobState, JobUpdate, NewJob, PushJobsRequest, StartJobRequest,
    StartJobResponse, UpdateQueueRequest,
};
use spiderq_tests::{
    Grpc, Stack, StoreKind, job_of,
    redis_commands::{Commands, commands, forget_commands},
    update_error, update_of,
};

const PROJECT: i64 = 53;
/// Ms since the epoch. The clock stands there: what is looked up once in some seconds stays known.
const NOW: u64 = 1_700_000_000_000;
/// The server makes rounds of its own every second: a command counts as often as in the repetition
/// with the fewest of it.
const REPETITIONS: usize = 5;

/// Commands by call.
type Costs = BTreeMap<String, Commands>;

/// Counts for one stack.
struct Counter {
    stack: Stack,
    grpc: Grpc,
    costs: Costs,
}

impl Counter {
    /// Has `call` made several times; the first one only warms up.
    async fn count(&mut self, name: &str, mut call: impl AsyncFnMut(&Grpc)) {
        call(&self.grpc).await;
        let mut counted = Vec::new();
        for _ in 0..REPETITIONS {
            forget_commands(self.stack.redis());
            call(&self.grpc).await;
            counted.push(commands(self.stack.redis()));
        }
        self.costs.insert(name.to_owned(), fewest(counted));
    }

    async fn count_get(&mut self, name: &str, path: &str) {
        let http = self.stack.http();
        self.count(name, async |_| drop(http.get(path).await.ok())).await;
    }
}

fn fewest(counted: Vec<Commands>) -> Commands {
    let common = |one: Commands, other: Commands| {
        let least = |(name, count): (String, u64)| Some((count.min(*other.get(&name)?), name));
        one.into_iter().filter_map(least).map(|(count, name)| (name, count)).collect()
    };
    counted.into_iter().reduce(common).unwrap()
}

#[tokio::test]
async fn each_call_runs_as_many_redis_commands_as_the_table_says() {
    let stack = Stack::at(StoreKind::Redis, NOW).await;
    let mut counter = Counter { grpc: stack.grpc(), stack, costs: Costs::new() };
    count_lives(&mut counter).await;
    count_lists(&mut counter).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/redis_commands.json");
    if env::var_os("SPIDERQ_WRITE_COSTS").is_some() {
        let text = serde_json::to_string_pretty(&counter.costs).unwrap();
        fs::write(&path, text + "\n").unwrap();
    }
    let expected: Costs = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let changed = differences(&expected, &counter.costs);
    assert!(
        changed.is_empty(),
        "{}\nIf that is meant to be: SPIDERQ_WRITE_COSTS=1 cargo test -p spiderq-tests --test redis_costs",
        changed.join("\n")
    );
}

async fn count_lives(counter: &mut Counter) {
    counter.count("push of 1 job", async |grpc| push(grpc, vec![job_of("spider")]).await).await;
    let hundred = || (0..100).map(|_| job_of("spider")).collect();
    counter.count("push of 100 jobs", async |grpc| push(grpc, hundred()).await).await;
    counter.count("start", async |grpc| drop(start(grpc).await)).await;
    let started = start(&counter.grpc).await;
    let (key, fence) = (started.job.unwrap().key, started.fence);
    counter
        .count("heartbeat", async |grpc| {
            let (key, fence) = (key.clone(), fence.clone());
            let request = HeartbeatRequest { key, fence, ..HeartbeatRequest::default() };
            grpc.queue().heartbeat(request).await.unwrap();
        })
        .await;
    let mut running = Vec::new();
    for _ in 0..=REPETITIONS {
        running.push(start(&counter.grpc).await);
    }
    counter
        .count("finish", async |grpc| {
            let started = running.pop().unwrap();
            let update = JobUpdate {
                state: JobState::Finished.into(),
                close_reason: Some("finished".to_owned()),
                fence: started.fence,
                ..update_of(started.job.unwrap().key)
            };
            let updates = vec![update];
            let request =
                UpdateQueueRequest { project: PROJECT, updates, ..UpdateQueueRequest::default() };
            let answer = grpc.queue().update_queue(request).await.unwrap().into_inner();
            assert_eq!(update_error(&answer.results[0]), None);
        })
        .await;
}

/// In a project with 3,000 finished jobs more: all but the last have tag `all`, 50 have `some`.
async fn count_lists(counter: &mut Counter) {
    for from in (0..3_000).step_by(100) {
        let job = |at: usize| {
            let tags = (at < 2_999).then_some("all").into_iter();
            let tags = tags.chain(at.is_multiple_of(60).then_some("some"));
            let state = JobState::Finished.into();
            NewJob { state, tags: tags.map(str::to_owned).collect(), ..job_of("finished") }
        };
        push(&counter.grpc, (from..from + 100).map(job).collect()).await;
    }
    let lists = [
        ("list of 100 rows", "/jobq/53/list?count=100"),
        ("list of 100 rows from the 2,000th", "/jobq/53/list?count=100&start=2000"),
        ("list, has_tag of 50 jobs", "/jobq/53/list?count=100&has_tag=some"),
        ("list, lacks_tag that nearly all have", "/jobq/53/list?count=100&lacks_tag=all"),
        ("list.json with its total", "/api/jobs/list.json?project=53&count=10"),
        ("count", "/jobq/53/count"),
        ("count, has_tag", "/jobq/53/count?has_tag=some"),
        ("count, lacks_tag", "/jobq/53/count?lacks_tag=some"),
        ("summary", "/jobq/53/summary"),
        ("job summary of a project", "/projects/53/jobsummary"),
        ("metadata of a job", "/jobs/53/1/1"),
    ];
    for (name, path) in lists {
        counter.count_get(name, path).await;
    }
    let (http, mut round) = (counter.stack.http(), 0);
    counter
        .count("tag for 50 jobs by a filter", async |_| {
            round += 1;
            let tag = format!("round-{round}");
            let form = [("project", "53"), ("has_tag", "some"), ("add_tag", &tag)];
            let answer = http.form("/api/jobs/update.json", &form).await.ok();
            assert_eq!(answer.json()["count"], 50);
        })
        .await;
}

async fn push(grpc: &Grpc, jobs: Vec<NewJob>) {
    let request = PushJobsRequest { project: PROJECT, jobs, request_id: String::new() };
    grpc.queue().push_jobs(request).await.unwrap();
}

async fn start(grpc: &Grpc) -> StartJobResponse {
    let request = StartJobRequest { project: PROJECT, ..StartJobRequest::default() };
    grpc.queue().start_job(request).await.unwrap().into_inner()
}

/// A line for each command of a call whose count is another one.
fn differences(expected: &Costs, found: &Costs) -> Vec<String> {
    let none = Commands::new();
    let calls: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let mut lines = Vec::new();
    for call in calls {
        let before = expected.get(call).unwrap_or(&none);
        let after = found.get(call).unwrap_or(&none);
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let count = |commands: &Commands| commands.get(name).copied().unwrap_or(0);
            let (before, after) = (count(before), count(after));
            let word = if after > before { "MORE" } else { "fewer" };
            if before != after {
                lines.push(format!("{call}: {name}: {word}: {after} in place of {before}"));
            }
        }
    }
    lines
}

#[test]
fn a_command_more_and_one_less_are_told() {
    let costs = |count: u64| {
        let commands = Commands::from([("evalsha".to_owned(), 1), ("hget".to_owned(), count)]);
        Costs::from([("start".to_owned(), commands)])
    };
    assert_eq!(differences(&costs(2), &costs(2)), [""; 0]);
    assert_eq!(differences(&costs(2), &costs(3)), ["start: hget: MORE: 3 in place of 2"]);
    assert_eq!(differences(&costs(2), &costs(1)), ["start: hget: fewer: 1 in place of 2"]);
}
