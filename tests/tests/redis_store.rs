//! The Redis store alone: what only it does (connection, durability, compact hashes).
//! What holds for every store is in the contract suite.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt as _, stream};
use spiderq_core::{
    error::Error,
    model::{
        Actor, ClaimFilter, Counters, Fence, FieldName, FieldSelection, Filter, Job, JobKey,
        JsonText, Metadata, Millis, Priority, ProjectId, SpiderName, State, StateSet, Tags,
        UniqueKey, Units,
    },
    store::{
        Change, Changed, Effect, EventCursor, Events, Holder, NewAttempt, NewJob, Pushed,
        RequestDigest, Step, Store,
    },
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{
    eventually,
    redis_server::{DURABLE, RedisServer},
};

async fn store(server: &RedisServer) -> Arc<dyn Store> {
    open(&StoreUrl::parse(&server.url()).unwrap()).await.unwrap()
}

fn project(number: i64) -> ProjectId {
    ProjectId::new(number).unwrap()
}

fn job(spider: &str) -> NewJob {
    NewJob {
        spider: SpiderName::parse(spider).unwrap(),
        state: State::Pending,
        scheduled: false,
        spider_tags: false,
        actor: Actor::parse("alice").unwrap(),
        priority: Priority::default(),
        units: Units::default(),
        tags: Tags::default(),
        unique: None,
        counters: Counters::default(),
        metadata: Metadata::default(),
        start: None,
    }
}

fn start() -> Effect {
    Effect {
        enter: Some((State::Running, Actor::parse("bob").unwrap())),
        start: Some(NewAttempt {
            fence: Fence::random().unwrap(),
            lease_expires: Some(Millis(5_000)),
        }),
        ..Effect::default()
    }
}

fn change(key: JobKey, effect: Effect) -> Change {
    Change {
        key,
        holder: Holder::Anyone,
        unchanged_since: None,
        on: [Step::Apply(0), Step::Apply(0), Step::Keep, Step::Refuse],
        effects: vec![effect],
    }
}

fn keys(pushed: &[Pushed]) -> Vec<String> {
    let key = |pushed: &Pushed| match pushed {
        Pushed::Added(key) => key.to_string(),
        Pushed::Duplicate(_) | Pushed::TooManyTags | Pushed::AtLimit(_) => "duplicate".to_owned(),
    };
    pushed.iter().map(key).collect()
}

/// A job with tags, a unique key, and metadata of both kinds.
fn rich_job() -> NewJob {
    let mut metadata = Metadata::default();
    metadata.set("big", JsonText::string(&"x".repeat(500)));
    metadata.set("small", JsonText::parse("1566311822568.0").unwrap());
    NewJob {
        tags: Tags::parse(["a", "b"]).unwrap(),
        unique: Some(UniqueKey::of_value("u")),
        metadata,
        ..job("é one")
    }
}

#[tokio::test]
async fn metadata_move_between_the_compact_and_the_large_hash() {
    let store = store(RedisServer::shared()).await;
    let p = project(1);
    let new = rich_job();
    store.push(p, vec![new.clone()], Millis(1_000), None).await.unwrap();
    let claimed = store.claim(p, &ClaimFilter::default(), &start(), Millis(2_000), None).await;
    let claimed = claimed.unwrap().unwrap().job;
    assert_eq!((&claimed.metadata, &claimed.tags), (&new.metadata, &new.tags));
    let read = store.get(&[claimed.key], &FieldSelection::Full).await.unwrap();
    assert_eq!(read, [Some(claimed.clone())]);

    let mut set = Metadata::default();
    set.set("big", JsonText::integer(1));
    set.set("small", JsonText::string(&"y".repeat(100)));
    let swap = Effect { set: set.clone(), ..Effect::default() };
    let done = store.change(p, vec![change(claimed.key, swap)], false, Millis(2_500), None);
    let applied = Changed::Applied {
        previous: State::Running,
        attempt: 1,
        stop_requested: false,
        written: Millis(2_500),
    };
    assert_eq!(done.await.unwrap(), [applied]);
    let read = store.get(&[claimed.key], &FieldSelection::Full).await.unwrap();
    let expected = Job { metadata: set, updated: Millis(2_500), ..claimed };
    assert_eq!(read, [Some(expected)]);
}

/// As versions before compression have written it: the larger hash has the text.
#[tokio::test]
async fn metadata_of_older_versions_are_read_and_counted() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let (p, new) = (project(1), rich_job());
    store.push(p, vec![new.clone()], Millis(1_000), None).await.unwrap();
    let hash = "sq:{1}:x:1/1";
    let compressed: Vec<u8> = server.command(&["HGET", hash, "big"]);
    let text = new.metadata.get("big").unwrap().as_str();
    assert!(compressed[0] == 0xfd && compressed.len() < 64, "{compressed:?}");
    server.command::<()>(&["HSET", hash, "big", text]);
    let key = JobKey::parse("1/1/1").unwrap();
    let named = FieldSelection::Named(vec![FieldName::known("big")]);
    for fields in [FieldSelection::Full, named] {
        let read = store.get(&[key], &fields).await.unwrap();
        assert_eq!(read[0].as_ref().unwrap().metadata.get("big").unwrap().as_str(), text);
    }
    let bytes: usize = server.command(&["HGET", "sq:{1}:j:1/1", "z"]);
    assert_eq!(bytes, new.metadata.bytes());
    let mut set = Metadata::default();
    set.set("big", JsonText::string(&"y".repeat(600)));
    let longer = Effect { set, ..Effect::default() };
    store.change(p, vec![change(key, longer)], false, Millis(1_500), None).await.unwrap();
    let longer: usize = server.command(&["HGET", "sq:{1}:j:1/1", "z"]);
    assert_eq!(longer, bytes + 100);
    let compressed: Vec<u8> = server.command(&["HGET", hash, "big"]);
    assert_eq!(compressed[0], 0xfd);
}

#[tokio::test]
async fn answers_kept_for_requests_expire() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let request = RequestDigest {
        id: "a".repeat(32),
        fingerprint: "b".repeat(32),
        expires: Millis(1_000 + spiderq_core::limits::REQUEST_ID_TTL_MS),
    };
    let push = || store.push(project(1), vec![job("a")], Millis(1_000), Some(&request));
    assert_eq!(keys(&push().await.unwrap()), ["1/1/1"]);
    assert_eq!(keys(&push().await.unwrap()), ["1/1/1"]);
    let client = redis::Client::open(server.url()).unwrap();
    let key = format!("sq:{{1}}:q:{}", request.id);
    let mut connection = client.get_connection().unwrap();
    let left: u64 = redis::cmd("PTTL").arg(key).query(&mut connection).unwrap();
    assert!(
        (spiderq_core::limits::REQUEST_ID_TTL_MS - 60_000
            ..=spiderq_core::limits::REQUEST_ID_TTL_MS)
            .contains(&left)
    );
}

#[tokio::test]
async fn a_script_that_redis_forgot_is_loaded_again() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let push = || store.push(project(1), vec![job("a")], Millis(1_000), None);
    assert_eq!(keys(&push().await.unwrap()), ["1/1/1"]);
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query(&mut connection).unwrap();
    assert_eq!(keys(&push().await.unwrap()), ["1/1/2"]);
}

#[tokio::test]
async fn an_acknowledged_push_survives_kill_9() {
    let mut server = RedisServer::start(DURABLE);
    let store = store(&server).await;
    let p = project(1);
    assert!(store.durability().await.unwrap().safe);
    store.push(p, vec![job("a")], Millis(1), None).await.unwrap();
    server.restart();
    let store = self::store(&server).await;
    let filter = Filter { states: StateSet::ALL, ..Filter::default() };
    assert_eq!(store.count(p, &filter).await.unwrap(), 1);
}

#[tokio::test]
async fn the_connection_comes_back_after_a_restart() {
    let mut server = RedisServer::start(&[]);
    let store = store(&server).await;
    server.kill();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    server.restart();
    // The first call may still find out that the old connection is dead.
    let _ = store.ping().await;
    store.ping().await.unwrap();
}

#[tokio::test]
async fn no_error_shows_the_password() {
    let url = "redis://user:s3cret@127.0.0.1:1/0";
    let error = open(&StoreUrl::parse(url).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    let url = "redis://user:s3cret@localhost:port";
    let error = StoreUrl::parse(url).unwrap_err();
    assert_eq!(error.to_string(), "store: a port must be a number up to 65535");
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    server.freeze();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    server.thaw();
}

#[tokio::test]
async fn a_full_memory_is_unavailable_and_nothing_is_done() {
    let server = RedisServer::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    let store = store(&server).await;
    let error = store.push(project(1), vec![job("a")], Millis(1), None).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let none = store.get(&[JobKey::parse("1/1/1").unwrap()], &FieldSelection::Row).await.unwrap();
    assert_eq!(none, [None]);
}

#[tokio::test]
async fn pushes_that_meet_go_together_and_each_gets_its_own_answer() {
    const CALLERS: usize = 150;
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let push = |caller: usize| {
        let jobs = vec![job(&format!("s{caller}")); caller % 3 + 1];
        store.push(project(1), jobs, Millis(1_000), None)
    };
    push(CALLERS).await.unwrap();
    let before = calls(&server, "evalsha");
    // The caller that begins goes away at once: the others must not wait for it.
    tokio::select! {
        biased;
        _ = push(CALLERS + 1) => panic!("a push ended without a trip"),
        () = std::future::ready(()) => {}
    }
    let answers = futures::future::join_all((0..CALLERS).map(push)).await;
    for (caller, answer) in answers.into_iter().enumerate() {
        let answer = answer.unwrap();
        assert_eq!(answer.len(), caller % 3 + 1);
        for pushed in answer {
            let Pushed::Added(key) = pushed else {
                panic!("{pushed:?}");
            };
            let found = store.get(&[key], &FieldSelection::Row).await.unwrap();
            let found = found[0].as_ref().unwrap();
            assert_eq!(found.spider.as_str(), format!("s{caller}"));
        }
    }
    let run = calls(&server, "evalsha") - before;
    assert!(run < CALLERS / 2, "{run} scripts for {CALLERS} pushes");
}

/// Calls of a command so far.
fn calls(server: &RedisServer, command: &str) -> usize {
    let stats: String = server.command(&["INFO", "commandstats"]);
    let prefix = format!("cmdstat_{command}:calls=");
    let calls = stats.lines().find_map(|line| line.strip_prefix(&prefix)?.split(',').next());
    calls.map_or(0, |calls| calls.parse().unwrap())
}

/// A running job of `project` whose lease ends at `lease`.
async fn add_leased(store: &Arc<dyn Store>, project: ProjectId, lease: u64) -> JobKey {
    let start = NewAttempt { fence: Fence::random().unwrap(), lease_expires: Some(Millis(lease)) };
    let leased = NewJob { state: State::Running, start: Some(start), ..job("a") };
    match store.push(project, vec![leased], Millis(1_000), None).await.unwrap()[..] {
        [Pushed::Added(key)] => key,
        ref other => panic!("{other:?}"),
    }
}

/// Registers projects that have nothing due, since now, and a bad entry.
fn register_idle_projects(server: &RedisServer, from: usize, to: usize) {
    let numbers: Vec<String> = (from..to).map(|number| number.to_string()).collect();
    let pairs = numbers.iter().flat_map(|number| ["1000", number.as_str()]);
    let words: Vec<&str> = ["ZADD", "sq:{due}"].into_iter().chain(pairs).collect();
    server.command::<()>(&words);
    server.command::<()>(&["ZADD", "sq:{due}", "5", "no project"]);
}

#[tokio::test]
async fn due_jobs_are_found_among_many_projects_in_bounded_reads() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    register_idle_projects(&server, 100, 3_100);
    let mut added = Vec::new();
    for number in [1, 2_000, 9_000] {
        added.push(add_leased(&store, project(number), 2_000).await);
    }
    for _ in 0..2 {
        let before = calls(&server, "zscan");
        let mut due = store.due(Millis(2_000), 100).await.unwrap();
        due.sort();
        assert_eq!(due, added);
        assert!(calls(&server, "zscan") - before >= 4, "the set was read in too few steps");
    }
    assert_eq!(calls(&server, "zrange"), 0);
    let bad: Option<String> = server.command(&["ZSCORE", "sq:{due}", "no project"]);
    assert_eq!(bad, None);
}

#[tokio::test]
async fn a_search_for_due_jobs_goes_on_where_the_last_one_stopped() {
    const PROJECTS: i64 = 2_000;
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let pushes = (1..=PROJECTS).map(|number| add_leased(&store, project(number), 2_000));
    let added: BTreeSet<JobKey> = stream::iter(pushes).buffered(50).collect().await;
    // A project is registered beside its write.
    eventually("not all projects are registered", async || {
        (server.command::<i64>(&["ZCARD", "sq:{due}"]) == PROJECTS).then_some(())
    })
    .await;
    let mut found = BTreeSet::new();
    // Each answer is of another page of the set: no page is read again before all were.
    let pages = 3;
    for _ in 0..pages {
        let due = store.due(Millis(2_000), 100).await.unwrap();
        assert_eq!(due.len(), 100);
        found.extend(due);
    }
    assert_eq!(found.len(), pages * 100);
    let all = store.due(Millis(2_000), 5_000).await.unwrap();
    assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), added);
    assert_eq!(all.len(), added.len());
}

#[tokio::test]
async fn a_push_with_the_spiders_tags_is_one_script() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let push = || {
        let jobs = vec![NewJob { spider_tags: true, ..job("a") }];
        store.push(project(1), jobs, Millis(1_000), None)
    };
    push().await.unwrap();
    let before = calls(&server, "evalsha");
    push().await.unwrap();
    assert_eq!(calls(&server, "evalsha") - before, 1);
}

#[tokio::test]
async fn a_watch_of_a_project_that_does_not_exist_leaves_one_key_for_a_minute() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let read = async |after: Option<EventCursor>| {
        let Events::These { events, last } = store.events(project(7), after, 9).await.unwrap()
        else {
            return None;
        };
        Some((events.len(), last))
    };
    let ttl = || server.command::<u64>(&["PTTL", "sq:{7}:events"]);
    let (_, begin) = read(None).await.unwrap();
    assert_eq!(read(Some(begin)).await, Some((0, begin)));
    assert_eq!(read(None).await, Some((0, begin)));
    assert_eq!(server.command::<Vec<String>>(&["KEYS", "*"]), ["sq:{7}:events"]);
    assert!((1..=60_000).contains(&ttl()), "{} ms", ttl());

    // It exists from its first job on, and nothing was missed.
    store.push(project(7), vec![job("s")], Millis(1), None).await.unwrap();
    let (events, last) = read(Some(begin)).await.unwrap();
    assert_eq!((events, last.number), (1, begin.number + 1));
    assert!(ttl() > 23 * 3_600_000, "{} ms", ttl());
    // Whoever was not there for it learns that.
    server.command::<u64>(&["DEL", "sq:{7}:events"]);
    assert_eq!(read(Some(begin)).await, None);
}
