//! Thousands of calls that wait at one server on Redis: what each costs does not grow with the
//! number of the others. Scripts that Redis ran are counted, times only printed.
//!
//! `SPIDERQ_WAITERS` sets how many wait.

use std::{env, future::Future, time::Duration};

use futures::future::join_all;
use spiderq_proto::v1::{NewJob, PushJobsRequest, StartJobRequest, StartJobResponse};
use spiderq_tests::{
    Grpc, Program, Stack, StoreKind, eventually, job_of, redis_server::RedisServer, span,
};
use tokio::{
    runtime,
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};
use tonic::Status;

use crate::watch::{Events, all, take, watch};

const PROJECT: i64 = 53;
/// Calls that one connection carries.
const STREAMS: usize = 200;
/// Looks, 20 ms apart, after which what has not changed is over.
const QUIET_LOOKS: usize = 25;

fn waiters() -> usize {
    env::var("SPIDERQ_WAITERS").map_or(600, |number| number.parse().unwrap())
}

/// Enough connections for so many calls at a time.
fn connections(url: &str, calls: usize) -> Vec<Grpc> {
    (0..calls.div_ceil(STREAMS)).map(|_| Grpc::new(url, Stack::KEY)).collect()
}

/// Scripts that Redis ran so far.
fn scripts(stack: &Stack) -> usize {
    let stats: String = stack.redis().command(&["INFO", "commandstats"]);
    let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    let calls = calls.and_then(|rest| rest.split(',').next());
    calls.map_or(0, |calls| calls.parse().unwrap())
}

/// How many scripts `act` leads to, once there were at least so many and no more come.
async fn scripts_of(stack: &Stack, least: usize, act: impl Future<Output = ()>) -> usize {
    let before = scripts(stack);
    act.await;
    let (mut last, mut quiet) = (0, 0);
    eventually("the store is never left alone", async || {
        let run = scripts(stack) - before;
        quiet = if run == last { quiet + 1 } else { 0 };
        last = run;
        (run >= least && quiet >= QUIET_LOOKS).then_some(run)
    })
    .await
}

type Waiter = JoinHandle<Result<StartJobResponse, Status>>;

/// Waits for jobs that nobody else waits for, all at once.
fn begin_waits(connections: &[Grpc], count: usize) -> Vec<Waiter> {
    let wait = |number: usize| {
        let mut queue = connections[number % connections.len()].queue();
        let request = StartJobRequest {
            project: PROJECT,
            has_tags: vec![format!("t{number}")],
            wait: span(60_000),
            ..StartJobRequest::default()
        };
        tokio::spawn(async move { Ok(queue.start_job(request).await?.into_inner()) })
    };
    (0..count).map(wait).collect()
}

/// Ends the connection that notifications come by.
fn break_subscriptions(redis: &RedisServer) {
    let killed: usize = redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert_eq!(killed, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_waiters_looks_once_and_once_more_after_a_gap() {
    let mut stack = Stack::start(StoreKind::Redis).await;
    let count = waiters();
    let connections = connections(&stack.url, count);
    let mut waits = Vec::new();
    let begun = scripts_of(&stack, count, async {
        waits = begin_waits(&connections, count);
    });
    let begun = begun.await;
    assert!(begun <= count + count / 2, "{begun} scripts for {count} waits");
    let again = scripts_of(&stack, count, async { break_subscriptions(stack.redis()) }).await;
    assert!(again <= count + count / 2, "{again} scripts of {count} waits after a gap");
    eprintln!("{count} waits: {begun} scripts, {again} after a gap");
    stack.running.take().unwrap().shutdown().await;
    for wait in waits {
        assert_eq!(wait.await.unwrap().unwrap(), StartJobResponse::default());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_watches_reads_once_and_once_more_after_a_gap() {
    let stack = Stack::start(StoreKind::Redis).await;
    // A runner has one for each of its jobs.
    let count = waiters() / 3;
    let connections = connections(&stack.url, count);
    let mut watches: Vec<Events> = Vec::new();
    let begun = scripts_of(&stack, count, async {
        let begin = |number: usize| watch(&connections[number % connections.len()], all());
        let begun = join_all((0..count).map(begin)).await;
        watches = begun.into_iter().map(|begun| begun.unwrap().0).collect();
    });
    let begun = begun.await;
    // Half as many again: other tasks of the server run some, too.
    assert!(begun <= count + count / 2, "{begun} scripts for {count} watches");
    let again = scripts_of(&stack, count, async { break_subscriptions(stack.redis()) }).await;
    assert!(again <= count + count / 2, "{again} scripts of {count} watches after a gap");
    eprintln!("{count} watches: {begun} scripts, {again} after a gap");
    // None of them was lost.
    push(&stack.grpc(), PROJECT).await;
    for watch in &mut watches {
        let (told, _) = take(watch, 1).await;
        assert_eq!(told[0].key(), "53/1/1");
    }
}

async fn push(grpc: &Grpc, project: i64) {
    let jobs: Vec<NewJob> = vec![job_of("s")];
    let request = PushJobsRequest { project, jobs, ..PushJobsRequest::default() };
    grpc.queue().push_jobs(request).await.unwrap();
}

/// How long pushes take, one after the other: half of them, 99 of 100, and all. They are made on a
/// thread of their own, since those of the waits are busy with them.
async fn time_pushes(url: &str, meanwhile: impl FnOnce()) -> [Duration; 3] {
    const PUSHES: usize = 300;
    let grpc = {
        let url = url.to_owned();
        move || Grpc::new(&url, Stack::KEY)
    };
    let (begun, has_begun) = oneshot::channel();
    let pushes = async move {
        let grpc = grpc();
        push(&grpc, PROJECT + 1).await;
        begun.send(()).unwrap();
        let mut times = Vec::new();
        for _ in 0..PUSHES {
            let begun = Instant::now();
            push(&grpc, PROJECT + 1).await;
            times.push(begun.elapsed());
        }
        times
    };
    let thread = spawn_blocking(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(pushes)
    });
    has_begun.await.unwrap();
    meanwhile();
    let mut times = thread.await.unwrap();
    times.sort_unstable();
    [PUSHES / 2, PUSHES * 99 / 100, PUSHES - 1].map(|index| times[index])
}

/// Prints how long pushes to another project of a server take that are made while the waits begin,
/// and while all of them look again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_of_others_go_on_beside_many_waiters() {
    let redis = RedisServer::start(&[]);
    let server = Program::serve(&redis.url(), &[]);
    let (url, count) = (&server.url, waiters());
    let connections = connections(url, count);
    let quiet = time_pushes(url, || {}).await;
    let mut waits = Vec::new();
    let begun = time_pushes(url, || waits = begin_waits(&connections, count)).await;
    let gap = time_pushes(url, || break_subscriptions(&redis)).await;
    for (when, [half, most, longest]) in [("alone", quiet), ("at first", begun), ("a gap", gap)] {
        eprintln!("pushes beside {count} waits, {when}: {half:?}, p99 {most:?}, most {longest:?}");
    }
    assert!(waits.iter().all(|wait| !wait.is_finished()));
}
