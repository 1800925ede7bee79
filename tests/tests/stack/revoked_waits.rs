//! Waits and watches whose API key is revoked or expires: no job and no event comes to them after
//! that.

use serde_json::json;
use spiderq_proto::{
    time::timestamp,
    v1::{
        CreateApiKeyRequest, JobState, ListApiKeysRequest, RevokeApiKeyRequest, Role,
        RotateApiKeyRequest, StartJobRequest,
    },
};
use spiderq_tests::{Grpc, Http, Response, Stack, StoreKind, span};
use tokio::task::JoinHandle;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    helpers::NOW,
    on_each_store,
    start_wait::{begin, got, job, push, wait},
    watch::{Events, after, all, entered, reason, take, watch},
};

/// Makes a worker's key that is good for so many ms; a client with it.
async fn worker(stack: &Stack, owner: &str, ms: Option<u64>) -> (String, Grpc) {
    let request = CreateApiKeyRequest {
        owner: owner.to_owned(),
        role: Role::Worker.into(),
        all_projects: true,
        expire_time: ms.map(|ms| timestamp((NOW + ms).cast_signed())),
        ..CreateApiKeyRequest::default()
    };
    let made = stack.grpc().api_keys().create_api_key(request).await.unwrap().into_inner();
    (made.secret.clone(), Grpc::new(&stack.url, &made.secret))
}

async fn id_of(stack: &Stack, owner: &str) -> String {
    let list = stack.grpc().api_keys().list_api_keys(ListApiKeysRequest::default()).await;
    let list = list.unwrap().into_inner().api_keys;
    list.into_iter().find(|key| key.owner == owner).unwrap().id
}

async fn revoke(stack: &Stack, owner: &str) {
    let id = id_of(stack, owner).await;
    stack.grpc().api_keys().revoke_api_key(RevokeApiKeyRequest { id }).await.unwrap();
}

fn assert_unauthenticated(status: &Status) {
    assert_eq!(reason(status), (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()));
    assert_eq!(status.message(), "Authentication failed");
}

/// Begins a start over HTTP that waits, and gives the server time to get there.
async fn begin_http(stack: &Stack, http: Http) -> JoinHandle<Response> {
    let call = async move { http.post("/jobq/53/startjob?wait=25", "{}").await };
    let waiter = tokio::spawn(call);
    for _ in 0..3 {
        stack.http().get("/jobq/53/count").await.ok();
    }
    waiter
}

fn assert_401(answer: &Response) {
    let expected = json!({"error": "Unauthorized", "message": "Unauthorized"});
    assert_eq!((answer.status, answer.json()), (401, expected));
}

async fn assert_pending(stack: &Stack, keys: &[&str]) {
    let left = stack.http().get("/jobq/53/list?state=pending").await.ok();
    assert_eq!(left.column("key"), keys);
}

#[tokio::test]
async fn a_job_goes_to_the_next_waiter_when_the_key_of_the_first_was_revoked() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (secret, ann) = worker(&stack, "ann", None).await;
        let (_, bob) = worker(&stack, "bob", None).await;
        let grpc = begin(&ann, wait(60_000)).await;
        let tagged = StartJobRequest { has_tags: vec!["a".to_owned()], ..wait(60_000) };
        let alone = begin(&ann, tagged).await;
        let http = begin_http(&stack, stack.http().bearer(&secret)).await;
        let good = begin(&bob, wait(60_000)).await;
        revoke(&stack, "ann").await;
        push(&stack.grpc(), job(&["a"], 1)).await;
        assert_unauthenticated(&grpc.await.unwrap().unwrap_err());
        assert_unauthenticated(&alone.await.unwrap().unwrap_err());
        assert_401(&http.await.unwrap());
        assert_eq!(got(good).await, "53/1/1");
        assert_pending(&stack, &[]).await;
    })
    .await;
}

#[tokio::test]
async fn waits_end_when_their_key_is_revoked_though_no_job_comes() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (secret, ann) = worker(&stack, "ann", None).await;
        let grpc = begin(&ann, wait(60_000)).await;
        let http = begin_http(&stack, stack.http().bearer(&secret)).await;
        let (mut events, begin) = watch(&ann, all()).await.unwrap();
        revoke(&stack, "ann").await;
        assert_unauthenticated(&grpc.await.unwrap().unwrap_err());
        assert_401(&http.await.unwrap());
        assert_ends(&mut events, &begin).await;
    })
    .await;
}

#[tokio::test]
async fn waits_whose_key_has_expired_get_no_job() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let (secret, ann) = worker(&stack, "ann", Some(60_000)).await;
        let (_, bob) = worker(&stack, "bob", None).await;
        let id = id_of(&stack, "bob").await;
        let rotate = RotateApiKeyRequest { id, keep: span(60_000) };
        stack.grpc().api_keys().rotate_api_key(rotate).await.unwrap();
        let waits = [begin(&ann, wait(60_000)).await, begin(&bob, wait(60_000)).await];
        let http = begin_http(&stack, stack.http().bearer(&secret)).await;
        stack.set_time(NOW + 60_000);
        push(&stack.grpc(), job(&[], 1)).await;
        for wait in waits {
            assert_unauthenticated(&wait.await.unwrap().unwrap_err());
        }
        assert_401(&http.await.unwrap());
        assert_pending(&stack, &["53/1/1"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_key_that_another_server_revoked_gets_no_job_once_it_is_asked_for_again() {
    let stack = Stack::at(StoreKind::Redis, NOW).await;
    let other = stack.another().await;
    let (secret, ann) = worker(&stack, "ann", None).await;
    let grpc = begin(&ann, wait(60_000)).await;
    let http = begin_http(&stack, stack.http().bearer(&secret)).await;
    let (mut events, cursor) = watch(&ann, all()).await.unwrap();
    revoke(&other, "ann").await;
    stack.set_time(NOW + 5_000);
    push(&other.grpc(), job(&[], 1)).await;
    assert_unauthenticated(&grpc.await.unwrap().unwrap_err());
    assert_401(&http.await.unwrap());
    assert_ends(&mut events, &cursor).await;
    assert_pending(&stack, &["53/1/1"]).await;
}

/// Asserts that a watch ends for its key, and tells how far it came.
async fn assert_ends(events: &mut Events, cursor: &str) {
    let status = events.message().await.unwrap_err();
    assert_unauthenticated(&status);
    assert_eq!(status.get_details_error_info().unwrap().metadata["cursor"], cursor);
}

#[tokio::test]
async fn a_watch_shows_no_event_after_its_key_was_revoked_and_another_key_goes_on() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (_, ann) = worker(&stack, "ann", None).await;
        let (_, bob) = worker(&stack, "bob", None).await;
        let (mut events, _) = watch(&ann, all()).await.unwrap();
        push(&stack.grpc(), job(&[], 1)).await;
        let created = |key| entered(key, JobState::Unspecified, JobState::Pending);
        let (told, cursor) = take(&mut events, 1).await;
        assert_eq!(told, [created("53/1/1")]);
        revoke(&stack, "ann").await;
        push(&stack.grpc(), job(&[], 1)).await;
        assert_ends(&mut events, &cursor).await;
        let (mut events, _) = watch(&bob, after(&cursor)).await.unwrap();
        assert_eq!(take(&mut events, 1).await.0, [created("53/1/2")]);
    })
    .await;
}
