//! Watches: every event of a project's jobs, once and in order.

use spiderq_proto::v1::{
    Job, JobState, PurgeJobRequest, RestoreJobsRequest, WatchJobsRequest, WatchJobsResponse,
    watch_jobs_response::Event,
};
use spiderq_tests::{Grpc, Http, Stack, StoreKind, by_keys, by_name, by_number};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::on_each_store;

pub(crate) type Events = Streaming<WatchJobsResponse>;

pub(crate) fn all() -> WatchJobsRequest {
    WatchJobsRequest { project: 53, ..WatchJobsRequest::default() }
}

pub(crate) fn after(cursor: &str) -> WatchJobsRequest {
    WatchJobsRequest { cursor: cursor.to_owned(), ..all() }
}

/// A watch and the cursor that it begins at.
pub(crate) async fn watch(
    grpc: &Grpc,
    request: WatchJobsRequest,
) -> Result<(Events, String), Status> {
    let mut events = grpc.jobs().watch_jobs(request).await?.into_inner();
    let first = events.message().await?.unwrap();
    assert!(begins(&first), "{first:?}");
    assert!(!first.cursor.is_empty());
    Ok((events, first.cursor))
}

/// What an event says, without the job but for its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Created(String, JobState),
    StateChanged(String, JobState, JobState),
    StopRequested(String),
    Restored(String),
    Purged(String),
    CursorMoved,
    Progress(String),
}

impl Told {
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Created(key, _)
            | Self::StateChanged(key, _, _)
            | Self::StopRequested(key)
            | Self::Restored(key)
            | Self::Progress(key)
            | Self::Purged(key) => key,
            Self::CursorMoved => "",
        }
    }
}

fn told(event: &WatchJobsResponse) -> Told {
    let key = event.job.as_ref().map(|job| job.key.clone()).unwrap_or_default();
    match event.event.as_ref().unwrap() {
        Event::Created(it) => Told::Created(key, it.state()),
        Event::StateChanged(it) => Told::StateChanged(key, it.previous_state(), it.state()),
        Event::StopRequested(_) => Told::StopRequested(key),
        Event::Restored(_) => Told::Restored(key),
        Event::Purged(_) => Told::Purged(key),
        Event::CursorMoved(_) => Told::CursorMoved,
        Event::Progress(_) => Told::Progress(key),
    }
}

/// Whether it only says where a watch begins.
pub(crate) fn begins(event: &WatchJobsResponse) -> bool {
    told(event) == Told::CursorMoved
}

pub(crate) fn key_of(event: &WatchJobsResponse) -> String {
    told(event).key().to_owned()
}

/// The next so many events, and the cursor after them.
pub(crate) async fn take(events: &mut Events, count: usize) -> (Vec<Told>, String) {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for _ in 0..count {
        let event = events.message().await.unwrap().unwrap();
        all.push(told(&event));
        cursor = event.cursor;
    }
    (all, cursor)
}

pub(crate) fn entered(key: &str, previous: JobState, state: JobState) -> Told {
    if previous == JobState::Unspecified {
        return Told::Created(key.to_owned(), state);
    }
    Told::StateChanged(key.to_owned(), previous, state)
}

pub(crate) fn restored(key: &str) -> Told {
    Told::Restored(key.to_owned())
}

pub(crate) async fn post(http: &Http, path: &str, body: &str) {
    http.post(path, body.to_owned()).await.ok();
}

/// Ten events of two jobs: all that there are.
pub(crate) async fn live(http: &Http) -> Vec<Told> {
    use JobState::{Deleted, Finished, Pending, Running, Unspecified};
    post(http, "/jobq/53/push", "{\"spider\":\"a\"}\n{\"spider\":\"b\"}").await;
    post(http, "/jobq/53/startjob", "{}").await;
    post(http, "/jobs/53/1/1/note", "1").await;
    for _ in 0..2 {
        post(http, "/jobq/53/1/1/cancel", "").await;
    }
    post(http, "/jobq/53/2/1/cancel", "").await;
    post(http, "/jobq/53/update", r#"{"key":"53/1/1","state":"finished","close_reason":"x"}"#)
        .await;
    post(http, "/jobq/53/update", r#"{"key":"53/1/1","state":"deleted"}"#).await;
    vec![
        entered("53/1/1", Unspecified, Pending),
        entered("53/2/1", Unspecified, Pending),
        entered("53/1/1", Pending, Running),
        Told::StopRequested("53/1/1".to_owned()),
        entered("53/2/1", Pending, Finished),
        entered("53/1/1", Running, Finished),
        entered("53/1/1", Finished, Deleted),
    ]
}

#[tokio::test]
async fn each_event_comes_once_in_order_and_again_from_any_cursor() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let (mut events, begin) = watch(&grpc, all()).await.unwrap();
        let expected = live(&http).await;
        let mut cursors = vec![begin];
        for expected in &expected {
            let (event, cursor) = take(&mut events, 1).await;
            assert_eq!(&event[0], expected);
            cursors.push(cursor);
        }
        for (seen, cursor) in cursors.iter().enumerate() {
            let (mut events, again) = watch(&grpc, after(cursor)).await.unwrap();
            assert_eq!(&again, cursor);
            let (rest, _) = take(&mut events, expected.len() - seen).await;
            assert_eq!(rest, expected[seen..]);
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_holds_the_job_as_it_is_now_or_only_its_key_after_a_purge() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let (_, begin) = watch(&grpc, all()).await.unwrap();
        live(&http).await;
        let (mut events, _) = watch(&grpc, after(&begin)).await.unwrap();
        let job = events.message().await.unwrap().unwrap().job.unwrap();
        assert_eq!((job.spider_name.as_str(), job.state()), ("a", JobState::Deleted));
        assert_eq!((job.close_reason.as_str(), job.attempt), ("x", 1));
        assert!(!job.metadata_json.contains_key("note"), "{job:?}");
        let key = "53/1/1".to_owned();
        grpc.jobs().purge_job(PurgeJobRequest { key }).await.unwrap();
        let (mut events, _) = watch(&grpc, after(&begin)).await.unwrap();
        let job = events.message().await.unwrap().unwrap().job.unwrap();
        assert_eq!(job, Job { key: "53/1/1".to_owned(), ..Job::default() });
    })
    .await;
}

/// Every kind of event, and a watch by the spider's number.
#[tokio::test]
async fn a_restored_and_a_purged_job_are_events_of_their_own() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let (mut events, begin) = watch(&grpc, all()).await.unwrap();
        let mut expected = live(&http).await;
        let restore =
            RestoreJobsRequest { filter: by_keys(["53/1/1"]), ..RestoreJobsRequest::default() };
        grpc.jobs().restore_jobs(restore).await.unwrap();
        post(&http, "/jobq/53/update", r#"{"key":"53/1/1","state":"deleted"}"#).await;
        let purge = PurgeJobRequest { key: "53/1/1".to_owned() };
        grpc.jobs().purge_job(purge.clone()).await.unwrap();
        // Nothing is there any more, so nothing happens.
        grpc.jobs().purge_job(purge).await.unwrap();
        expected.push(restored("53/1/1"));
        expected.push(entered("53/1/1", JobState::Finished, JobState::Deleted));
        expected.push(Told::Purged("53/1/1".to_owned()));
        assert_eq!(take(&mut events, expected.len()).await.0, expected);
        let of_spider = WatchJobsRequest { spider: Some(by_number(1)), ..after(&begin) };
        let (mut events, _) = watch(&grpc, of_spider).await.unwrap();
        expected.retain(|told| told.key() == "53/1/1");
        assert_eq!(take(&mut events, expected.len()).await.0, expected);
        let none = WatchJobsRequest { spider: Some(by_number(99)), ..all() };
        watch(&grpc, none).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_watch_may_be_of_one_spider_or_one_job() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        // The spider has no number yet.
        let of_spider = WatchJobsRequest { spider: Some(by_name("b")), ..all() };
        let of_job = WatchJobsRequest { key: "53/1/1".to_owned(), ..Default::default() };
        let (mut spider, _) = watch(&grpc, of_spider.clone()).await.unwrap();
        let (mut job, _) = watch(&grpc, of_job).await.unwrap();
        let expected = live(&http).await;
        let of = |key: &str| -> Vec<Told> {
            expected.iter().filter(|told| told.key() == key).cloned().collect()
        };
        assert_eq!(take(&mut spider, 2).await.0, of("53/2/1"));
        assert_eq!(take(&mut job, 5).await.0, of("53/1/1"));
        for _ in 0..2 {
            post(&http, "/jobq/53/push", &["{\"spider\":\"a\"}"; 600].join("\n")).await;
        }
        let passed = spider.message().await.unwrap().unwrap();
        assert_eq!(told(&passed), Told::CursorMoved);
        post(&http, "/jobq/53/push", "{\"spider\":\"b\"}").await;
        let next = WatchJobsRequest { cursor: passed.cursor, ..of_spider };
        let (mut resumed, _) = watch(&grpc, next).await.unwrap();
        let new = vec![entered("53/2/2", JobState::Unspecified, JobState::Pending)];
        assert_eq!(take(&mut resumed, 1).await.0, new);
        assert_eq!(take(&mut spider, 1).await.0, new);
    })
    .await;
}

#[tokio::test]
async fn a_watch_at_one_server_sees_what_another_does() {
    let one = Stack::start(StoreKind::Redis).await;
    let other = one.another().await;
    let (mut events, _) = watch(&one.grpc(), all()).await.unwrap();
    let expected = live(&other.http()).await;
    assert_eq!(take(&mut events, expected.len()).await.0, expected);
}

pub(crate) fn reason(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info().unwrap();
    (status.code(), info.reason)
}

#[tokio::test]
async fn a_bad_cursor_is_refused_and_so_is_a_key_of_another_project() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let (_, cursor) = watch(&grpc, all()).await.unwrap();
        let [project, number, stamp] = cursor.split('-').collect::<Vec<_>>()[..] else {
            panic!("{cursor}");
        };
        let foreign = format!("36-{number}-{stamp}");
        for bad in [foreign.as_str(), "x", "-", "--", &"9".repeat(100)] {
            let refused = watch(&grpc, after(bad)).await.unwrap_err();
            let told = (refused.code(), refused.message());
            let expected = "cursor: must be one that a watch of this project gave";
            assert_eq!(told, (Code::InvalidArgument, expected), "{bad}");
        }
        // As a store gave them that has lost its last events since, or an earlier version.
        let number_on = u64::from_str_radix(number, 16).unwrap() + 1;
        let ahead = format!("{project}-{number_on:x}-{stamp}");
        let other = format!("{project}-{number}-1");
        let unstamped = format!("{project}-{number}");
        for gone in [ahead, other, unstamped] {
            let refused = watch(&grpc, after(&gone)).await.unwrap_err();
            assert_eq!(reason(&refused), (Code::OutOfRange, "CURSOR_GONE".to_owned()), "{gone}");
        }
        let foreign = WatchJobsRequest { key: "54/1/1".to_owned(), ..all() };
        let refused = watch(&grpc, foreign).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_older_than_the_kept_events_is_out_of_range() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let (events, old) = watch(&grpc, all()).await.unwrap();
        drop(events);
        for _ in 0..11 {
            post(&http, "/jobq/53/push", &["{\"spider\":\"a\"}"; 1_000].join("\n")).await;
        }
        let gone = watch(&grpc, after(&old)).await.unwrap_err();
        assert_eq!(reason(&gone), (Code::OutOfRange, "CURSOR_GONE".to_owned()));
        let (_, now) = watch(&grpc, all()).await.unwrap();
        watch(&grpc, after(&now)).await.unwrap();
    })
    .await;
}
