//! The Redis store alone: what only it does (connection, durability, compact hashes).
//! What holds for every store is in the contract suite.

use std::sync::Arc;

use spiderq_service::{
    error::Error,
    model::{
        Actor, Counters, Fence, Filter, JobKey, JsonText, Metadata, Millis, Priority, ProjectId,
        SpiderName, State, StateSet, TagEdit, Tags, UniqueKey, Units,
    },
    store::{
        Change, Changed, Effect, Fields, Holder, NewJob, Pushed, RequestKey, Start, Step, Store,
        StoreUrl, open,
    },
};
use spiderq_tests::redis_server::{DURABLE, RedisServer};

async fn store(server: &RedisServer) -> Arc<dyn Store> {
    open(&StoreUrl::parse(&server.url()).unwrap())
        .await
        .unwrap()
}

fn project(number: i64) -> ProjectId {
    ProjectId::new(number).unwrap()
}

fn job(spider: &str) -> NewJob {
    NewJob {
        spider: SpiderName::parse(spider).unwrap(),
        state: State::Pending,
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
        start: Some(Start {
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
        on: [Step::Apply(0), Step::Apply(0), Step::Keep, Step::Refuse],
        effects: vec![effect],
    }
}

fn keys(pushed: &[Pushed]) -> Vec<String> {
    let key = |pushed: &Pushed| match pushed {
        Pushed::Added(key) => key.to_string(),
        Pushed::Duplicate => "duplicate".to_owned(),
    };
    pushed.iter().map(key).collect()
}

#[tokio::test]
async fn a_job_lives_from_push_to_purge() {
    let store = store(RedisServer::shared()).await;
    let p = project(1);
    let mut metadata = Metadata::default();
    metadata.set("big", JsonText::string(&"x".repeat(500)));
    metadata.set("small", JsonText::parse("1566311822568.0").unwrap());
    let unique = Some(UniqueKey::of_value("u"));
    let tags = Tags::parse(["a", "b"]).unwrap();
    let one = NewJob {
        tags: tags.clone(),
        unique,
        metadata: metadata.clone(),
        ..job("é one")
    };
    let request = RequestKey {
        id: "a".repeat(32),
        fingerprint: "b".repeat(32),
        expires: Millis(90_000),
    };
    let jobs = vec![one.clone(), one.clone(), job("two"), job("é one")];
    let pushed = store
        .push(p, jobs.clone(), Millis(1_000), Some(&request))
        .await
        .unwrap();
    assert_eq!(keys(&pushed), ["1/1/1", "duplicate", "1/2/1", "1/1/2"]);
    let again = store
        .push(p, jobs.clone(), Millis(1_000), Some(&request))
        .await
        .unwrap();
    assert_eq!(pushed, again);
    let reused = RequestKey {
        fingerprint: "c".repeat(32),
        ..request
    };
    let error = store
        .push(p, jobs, Millis(1_000), Some(&reused))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::RequestIdReused));

    let claimed = store
        .claim(p, &[], &start(), Millis(2_000), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claimed.job.key.to_string(), "1/1/1");
    assert_eq!(claimed.job.metadata, metadata);
    assert_eq!(claimed.job.tags, tags);
    assert_eq!(claimed.job.position.0, 2_000 * 2048);
    let read = store.get(&[claimed.job.key], &Fields::Full).await.unwrap();
    assert_eq!(read, [Some(claimed.job.clone())]);

    let mut set = Metadata::default();
    set.set("big", JsonText::integer(1));
    set.set("small", JsonText::string(&"y".repeat(100)));
    let finish = Effect {
        enter: Some((State::Finished, Actor::parse("bob").unwrap())),
        release: true,
        set: set.clone(),
        tags: TagEdit {
            add: Tags::parse(["c"]).unwrap(),
            ..TagEdit::default()
        },
        ..Effect::default()
    };
    let done = store
        .change(
            p,
            vec![change(claimed.job.key, finish)],
            false,
            Millis(1_500),
            None,
        )
        .await
        .unwrap();
    let applied = Changed::Applied {
        previous: State::Running,
        attempt: 1,
        stop_requested: false,
    };
    assert_eq!(done, [applied]);
    let filter = Filter {
        states: StateSet::LIVE,
        ..Filter::default()
    };
    let page = store.page(p, &filter, 2, &Fields::Full).await.unwrap();
    let listed: Vec<String> = page.jobs.iter().map(|job| job.key.to_string()).collect();
    assert_eq!(listed, ["1/1/1", "1/1/2"]);
    assert_eq!(page.jobs[0].metadata, set);
    let rest = Filter {
        until: page.next,
        ..filter.clone()
    };
    let page = store.page(p, &rest, 2, &Fields::Row).await.unwrap();
    assert_eq!((page.jobs.len(), page.next), (1, None));
    assert_eq!(store.count(p, &filter).await.unwrap(), 3);
    let lacks = Filter {
        lacks_tags: vec![tags.iter().next().unwrap().clone()],
        ..filter
    };
    assert_eq!(store.count(p, &lacks).await.unwrap(), 2);
}

#[tokio::test]
async fn an_acknowledged_push_survives_kill_9() {
    let mut server = RedisServer::start(DURABLE);
    let store = store(&server).await;
    let p = project(1);
    assert!(store.durability().await.unwrap().safe);
    store
        .push(p, vec![job("a")], Millis(1), None)
        .await
        .unwrap();
    server.restart();
    // The first call may still meet the dead connection.
    let mut filter = Filter {
        states: StateSet::ALL,
        ..Filter::default()
    };
    filter.from = None;
    let counted = match store.count(p, &filter).await {
        Err(Error::Unavailable { .. }) => store.count(p, &filter).await,
        other => other,
    };
    assert_eq!(counted.unwrap(), 1);
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
    let error = store
        .push(project(1), vec![job("a")], Millis(1), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let none = store
        .get(&[JobKey::parse("1/1/1").unwrap()], &Fields::Row)
        .await
        .unwrap();
    assert_eq!(none, [None]);
}
