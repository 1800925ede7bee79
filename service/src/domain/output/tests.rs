use std::time::Duration;

use bytes::Bytes;
use spiderq_core::{
    error::Error,
    limits::{DEFAULT_LEASE_MS, OUTPUT_GRACE_MS},
    model::{Fence, JobKey, Role, State},
    store::JobStore as _,
};
use spiderq_output::{Files, LineFilter, OutputKind, Outputs};

use super::*;
use crate::{
    auth::Caller,
    domain::{QueueUpdate, Reaper, StartedJob, test_world::*},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A world whose jobs have output, and another process on the same store and folder.
struct OutputWorld {
    world: World,
    other: World,
    _folder: tempfile::TempDir,
}

fn world() -> OutputWorld {
    let folder = tempfile::tempdir().unwrap();
    let outputs = || Outputs::new(Arc::new(Files::new(folder.path())));
    let world = World::new();
    let other = world.restarted().with_output(outputs());
    OutputWorld { world: world.with_output(outputs()), other, _folder: folder }
}

fn lines(key: JobKey, fence: Option<&Fence>, start: u64, texts: &[&str]) -> AppendLines {
    let lines = texts.iter().map(|text| Bytes::from((*text).to_owned())).collect();
    AppendLines { key, kind: OutputKind::Items, fence: fence.cloned(), start, lines }
}

fn read(key: JobKey) -> ReadLines {
    ReadLines {
        key,
        kind: OutputKind::Items,
        attempt: None,
        start: 0,
        tail: None,
        limit: None,
        filter: LineFilter::default(),
        follow: false,
    }
}

async fn append(
    world: &World,
    caller: &Caller,
    fence: Option<&Fence>,
    key: JobKey,
    start: u64,
) -> Result<u64> {
    world.domain.append_output(caller, lines(key, fence, start, &["{}"])).await
}

/// Starts a job, whose fence is known.
async fn started(world: &World) -> (StartedJob, Fence) {
    world.push_in(State::Pending).await;
    let started = world.start().await;
    let fence = started.fence.kept();
    (started, fence)
}

async fn move_to(world: &World, key: JobKey, state: State) {
    let update = QueueUpdate { state: Some(state), ..queue_update(key) };
    let user = caller(Role::User);
    let done = world.domain.update_queue(&user, world.project, vec![Ok(update)], None);
    done.await.unwrap().remove(0).result.unwrap();
}

/// Running jobs go back to pending, as their leases end.
async fn lose_worker(world: &World) {
    world.pass(DEFAULT_LEASE_MS);
    while Reaper::new(Arc::clone(&world.domain)).round().await.unwrap() {}
}

/// All lines that there are, and the attempt that they are of.
async fn all(world: &World, read: ReadLines) -> (u32, Vec<String>) {
    let mut reading = world.domain.read_output(&caller(Role::Read), read).await.unwrap();
    let mut all = Vec::new();
    while let Some(batch) = reading.next().await.unwrap() {
        all.extend(batch.lines.iter().map(|line| String::from_utf8(line.to_vec()).unwrap()));
    }
    (reading.attempt(), all)
}

#[tokio::test]
async fn only_who_holds_a_job_appends_to_it() {
    let OutputWorld { world, other, .. } = world();
    let (job, fence) = started(&world).await;
    let (key, worker) = (job.job.key, caller(Role::Worker));
    assert_eq!(append(&world, &worker, Some(&fence), key, 0).await.unwrap(), 1);
    assert_eq!(append(&other, &token_of(&job), None, key, 1).await.unwrap(), 2);
    assert_eq!(append(&world, &caller(Role::User), None, key, 2).await.unwrap(), 3);
    assert_eq!(append(&world, &worker, None, key, 3).await.unwrap(), 4);
    let (foreign, stale) = (started(&world).await, Fence::random().unwrap());
    for refused in [
        append(&world, &worker, Some(&stale), key, 4).await,
        append(&world, &worker, Some(&foreign.1), key, 4).await,
    ] {
        assert!(matches!(refused, Err(Error::Stale(of)) if of == key));
    }
    for refused in [
        append(&world, &token_of(&foreign.0), None, key, 4).await,
        append(&world, &caller(Role::Read), Some(&fence), key, 4).await,
    ] {
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
    }
    assert_eq!(all(&world, read(key)).await.1.len(), 4);
    let missing = append(&world, &caller(Role::User), None, world.key(99), 0).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn late_lines_are_taken_for_a_while_from_who_held_the_job() {
    let OutputWorld { world, other, .. } = world();
    let (job, fence) = started(&world).await;
    let (key, worker) = (job.job.key, caller(Role::Worker));
    append(&world, &worker, Some(&fence), key, 0).await.unwrap();
    move_to(&world, key, State::Finished).await;
    world.pass(OUTPUT_GRACE_MS);
    assert_eq!(append(&other, &worker, Some(&fence), key, 1).await.unwrap(), 2);
    assert_eq!(append(&other, &caller(Role::User), None, key, 2).await.unwrap(), 3);
    let stale = Fence::random().unwrap();
    let refused = append(&world, &worker, Some(&stale), key, 3).await;
    assert!(matches!(refused, Err(Error::Stale(_))));
    world.pass(1);
    for fence in [Some(&fence), None] {
        let refused = append(&world, &worker, fence, key, 3).await;
        assert!(matches!(refused, Err(Error::WrongState { state: State::Finished, .. })));
    }
    move_to(&world, key, State::Deleted).await;
    let refused = append(&world, &caller(Role::User), None, key, 3).await;
    assert!(matches!(refused, Err(Error::WrongState { state: State::Deleted, .. })));
    // Those who may see it still read it.
    assert_eq!(all(&world, read(key)).await.1.len(), 3);
}

#[tokio::test]
async fn each_attempt_has_output_of_its_own() {
    let OutputWorld { world, .. } = world();
    let (first, first_fence) = started(&world).await;
    let (key, worker) = (first.job.key, caller(Role::Worker));
    append(&world, &worker, Some(&first_fence), key, 0).await.unwrap();
    lose_worker(&world).await;
    let pending = append(&world, &caller(Role::User), None, key, 1).await;
    assert!(matches!(pending, Err(Error::WrongState { state: State::Pending, .. })));
    let fence = world.start().await.fence.kept();
    let stale = append(&world, &worker, Some(&first_fence), key, 1).await;
    assert!(matches!(stale, Err(Error::Stale(_))));
    for start in 0..2 {
        append(&world, &worker, Some(&fence), key, start).await.unwrap();
    }
    let of = |attempt| ReadLines { attempt, ..read(key) };
    assert_eq!(all(&world, of(None)).await, (2, vec!["{}".to_owned(); 2]));
    assert_eq!(all(&world, of(Some(1))).await, (1, vec!["{}".to_owned()]));
    assert_eq!(all(&world, of(Some(0))).await, (0, vec![]));
    let refused = world.domain.read_output(&caller(Role::Read), of(Some(3))).await;
    assert_eq!(message(refused), "attempt: must be at most 2, the job's last one");
    let stats = world.domain.output_stats(&caller(Role::Read), key, None).await.unwrap();
    assert_eq!((stats.attempt, stats.outputs[0].1.lines), (2, 2));
}

#[tokio::test]
async fn all_outputs_of_an_attempt_share_the_room_that_the_project_gives() {
    let OutputWorld { world, .. } = world();
    let key = started(&world).await.0.job.key;
    world.set("max_output_bytes", "5").await;
    let user = caller(Role::User);
    assert_eq!(append(&world, &user, None, key, 0).await.unwrap(), 1);
    let logs = |start| AppendLines { kind: OutputKind::Logs, ..lines(key, None, start, &["{}"]) };
    assert_eq!(world.domain.append_output(&user, logs(0)).await.unwrap(), 1);
    let full = world.domain.append_output(&user, logs(1)).await;
    assert!(matches!(full, Err(Error::TooLarge(_))));
}

#[tokio::test]
async fn a_call_without_lines_tells_where_the_output_ends() {
    let OutputWorld { world, other, .. } = world();
    let key = started(&world).await.0.job.key;
    let user = caller(Role::User);
    let ask = || lines(key, None, 9, &[]);
    assert_eq!(world.domain.append_output(&user, ask()).await.unwrap(), 0);
    append(&other, &user, None, key, 0).await.unwrap();
    assert_eq!(world.domain.append_output(&user, ask()).await.unwrap(), 1);
}

#[tokio::test]
async fn output_goes_with_its_job_and_stays_with_others() {
    let OutputWorld { world, .. } = world();
    let user = caller(Role::User);
    let mut keys = Vec::new();
    for _ in 0..4 {
        let key = started(&world).await.0.job.key;
        append(&world, &user, None, key, 0).await.unwrap();
        keys.push(key);
    }
    let [purged, lost, finished, running] = keys[..] else { panic!() };
    for key in [purged, lost, finished] {
        move_to(&world, key, State::Finished).await;
    }
    for key in [purged, lost] {
        move_to(&world, key, State::Deleted).await;
    }
    let has_output = async |key: JobKey| {
        let outputs = &world.domain.output.as_ref().unwrap().outputs;
        !outputs.objects(key).await.unwrap().is_empty()
    };
    assert!(world.domain.purge_job(&user, purged).await.unwrap());
    assert!(!has_output(purged).await);
    // As retention does, or a purge whose process is killed.
    world.store.purge(lost).await.unwrap();
    assert!(has_output(lost).await);
    let mut sweeper = Sweeper::new(Arc::clone(&world.domain));
    assert_eq!(sweeper.round().await.unwrap(), Sweeper::PAUSE);
    assert!(!has_output(lost).await);
    assert!(has_output(finished).await && has_output(running).await);
}

#[tokio::test]
async fn settings_bound_the_age_and_the_size_of_output() {
    let OutputWorld { world, .. } = world();
    let user = caller(Role::User);
    let mut keys = Vec::new();
    for _ in 0..6 {
        let key = started(&world).await.0.job.key;
        append(&world, &user, None, key, 0).await.unwrap();
        keys.push(key);
    }
    // The order of their ends is another than that of their numbers; the last one runs.
    for at in [3, 0, 4, 1, 2] {
        move_to(&world, keys[at], State::Finished).await;
        world.pass(DAY_MS);
    }
    let outputs = world.domain.output.as_ref().unwrap().outputs.clone();
    let mut sweeper = Sweeper::new(Arc::clone(&world.domain));
    let mut kept = async || {
        sweeper.round().await.unwrap();
        let mut kept = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            if !outputs.objects(*key).await.unwrap().is_empty() {
                kept.push(at);
            }
        }
        kept
    };
    assert_eq!(kept().await, [0, 1, 2, 3, 4, 5]);
    world.set("keep_output_days", "4").await;
    assert_eq!(kept().await, [0, 1, 2, 4, 5]);
    world.set("keep_output_days", "null").await;
    let one: u64 = outputs.objects(keys[0]).await.unwrap().iter().map(|(_, bytes)| bytes).sum();
    world.set("keep_output_bytes", &(2 * one).to_string()).await;
    assert_eq!(kept().await, [1, 2, 5]);
    world.set("keep_output_bytes", "0").await;
    assert_eq!(kept().await, [5]);
    assert!(world.exists(keys[0]).await);
}

#[tokio::test]
async fn output_of_another_store_is_left_alone() {
    let OutputWorld { world, .. } = world();
    let key = started(&world).await.0.job.key;
    append(&world, &caller(Role::User), None, key, 0).await.unwrap();
    world.domain.check_output_owner().await.unwrap();
    let outputs = world.domain.output.as_ref().unwrap().outputs.clone();
    let another = Domain::clone(&World::new().domain).with_output(outputs.clone(), "another");
    let refused = another.check_output_owner().await;
    let text = "output: has output of another store's jobs: \
                remove it if that store is gone, or name another place";
    assert_eq!(message(refused), text);
    let mut sweeper = Sweeper::new(Arc::new(another));
    assert_eq!(message(sweeper.round().await), text);
    assert!(!outputs.objects(key).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_without_output_says_so() {
    let world = World::new();
    let key = started(&world).await.0.job.key;
    let user = caller(Role::User);
    assert!(matches!(append(&world, &user, None, key, 0).await, Err(Error::OutputDisabled)));
    let reading = world.domain.read_output(&user, read(key)).await;
    assert!(matches!(reading, Err(Error::OutputDisabled)));
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("within 10 s")
}

/// By this process and by another, from before its start to its end.
#[tokio::test]
async fn a_follower_gets_lines_as_they_come_and_ends_with_the_job() {
    let OutputWorld { world, other, .. } = world();
    let key = world.push_in(State::Pending).await;
    let follow = ReadLines { follow: true, ..read(key) };
    let mut reading = world.domain.read_output(&caller(Role::Read), follow).await.unwrap();
    let mut next = async || soon(reading.next()).await.unwrap().map(|batch| batch.offsets);
    let write = async {
        let fence = world.start().await.fence.kept();
        for start in 0..10 {
            let by = if start % 2 == 0 { &world } else { &other };
            append(by, &caller(Role::Worker), Some(&fence), key, start).await.unwrap();
            tokio::task::yield_now().await;
        }
        move_to(&other, key, State::Finished).await;
    };
    let follow = async {
        let mut all = Vec::new();
        while let Some(offsets) = next().await {
            all.extend(offsets);
        }
        all
    };
    let ((), all) = tokio::join!(write, follow);
    assert_eq!(all, (0..10).collect::<Vec<u64>>());
    assert_eq!(reading.attempt(), 1);
}

#[tokio::test]
async fn a_follower_ends_when_another_attempt_begins_or_the_job_goes() {
    let OutputWorld { world, .. } = world();
    let key = started(&world).await.0.job.key;
    append(&world, &caller(Role::User), None, key, 0).await.unwrap();
    let follow = || ReadLines { follow: true, ..read(key) };
    let begin = async || world.domain.read_output(&caller(Role::Read), follow()).await.unwrap();
    let mut reading = begin().await;
    assert_eq!(soon(reading.next()).await.unwrap().unwrap().offsets, [0]);
    lose_worker(&world).await;
    let (end, _) = tokio::join!(soon(reading.next()), world.start());
    assert_eq!(end.unwrap(), None);
    let mut reading = begin().await;
    let purge = async {
        move_to(&world, key, State::Finished).await;
        move_to(&world, key, State::Deleted).await;
        assert!(world.domain.purge_job(&caller(Role::User), key).await.unwrap());
    };
    let (end, ()) = tokio::join!(soon(reading.next()), purge);
    assert_eq!(end.unwrap(), None);
}
