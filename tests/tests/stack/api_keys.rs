//! API keys: the ways to send one, and what a revoked one gets. The command line for them:
//! `command_line.rs`; which role may make which call: `access/`.

use spiderq_proto::{
    time::timestamp,
    v1::{
        CountJobsRequest, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest, Role,
        RotateApiKeyRequest,
    },
};
use spiderq_tests::{Grpc, Http, Program, Stack, redis_server::RedisServer, run, sqlite_url};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{helpers::assert_refused, on_each_store};

#[tokio::test]
async fn a_key_may_be_sent_as_basic_as_bearer_or_as_parameter() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http().anonymous();
        for path in ["/jobq/1/count", "/api/jobs/count.json?project=1"] {
            http.basic(Stack::KEY, "").get(path).await.ok();
            http.bearer(Stack::KEY).get(path).await.ok();
            let joint = if path.contains('?') { '&' } else { '?' };
            let with_key = format!("{path}{joint}apikey={}", Stack::KEY);
            http.get(&with_key).await.ok();
            let wrong = format!("{path}{joint}apikey={}", "f".repeat(32));
            assert_refused(&http.get(&wrong).await, path, 401);
        }
    })
    .await;
}

#[tokio::test]
async fn a_valid_key_names_its_owner_and_a_revoked_one_is_refused() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let key = stack.create_key("ann", Role::User, &[1]).await;
        let http = stack.http().basic(&key, "");
        http.post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
        let by = http.get("/jobs/1/1/1/scheduled_by").await.ok();
        assert_eq!(by.json(), "ann");

        let mut keys = stack.grpc().api_keys();
        let list = keys.list_api_keys(ListApiKeysRequest::default()).await;
        let list = list.unwrap().into_inner().api_keys;
        let id = list.into_iter().find(|known| known.owner == "ann").unwrap().id;
        keys.revoke_api_key(RevokeApiKeyRequest { id }).await.unwrap();
        let refused = http.get("/jobq/1/count").await;
        assert_refused(&refused, "/jobq", 401);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_rotated_once_and_then_names_the_one_in_its_place() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        stack.create_key("ann", Role::User, &[1]).await;
        let mut keys = stack.grpc().api_keys();
        let list = keys.list_api_keys(ListApiKeysRequest::default()).await.unwrap().into_inner();
        let id = list.api_keys[0].id.clone();
        let rotate = |id: &str| RotateApiKeyRequest { id: id.to_owned(), keep: None };
        let made = keys.rotate_api_key(rotate(&id)).await.unwrap().into_inner().api_key.unwrap();
        let refused = keys.rotate_api_key(rotate(&id)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let message = format!(
            "the key was rotated before; rotate the one in its place, {}, or create another",
            made.id
        );
        assert_eq!(refused.message(), message);
        let info = refused.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), &info.metadata["replaced_by"]),
            ("KEY_REPLACED", &made.id)
        );
        keys.rotate_api_key(rotate(&made.id)).await.unwrap();
        let list = keys.list_api_keys(ListApiKeysRequest::default()).await.unwrap().into_inner();
        assert_eq!(list.api_keys.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_refused_from_its_expire_time_on() {
    on_each_store(async |kind| {
        let now = 1_800_000_000_000;
        let stack = Stack::at(kind, now).await;
        let expire_time = Some(timestamp(now as i64 + 60_000));
        let create = CreateApiKeyRequest {
            owner: "ann".to_owned(),
            role: Role::User.into(),
            all_projects: true,
            expire_time,
            ..CreateApiKeyRequest::default()
        };
        let made = stack.grpc().api_keys().create_api_key(create).await.unwrap().into_inner();
        assert_eq!(made.api_key.unwrap().expire_time, expire_time);
        let http = stack.http().bearer(&made.secret);
        for (after, status) in [(0, 200), (59_999, 200), (60_000, 401), (90_000, 401)] {
            stack.set_time(now + after);
            assert_eq!(http.get("/jobq/1/count").await.status, status, "{after}");
        }
        let refused = Grpc::new(&stack.url, &made.secret).jobs();
        let refused = { refused }.count_jobs(CountJobsRequest::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        let list = stack.grpc().api_keys().list_api_keys(ListApiKeysRequest::default()).await;
        assert_eq!(list.unwrap().into_inner().api_keys[0].expire_time, expire_time);
    })
    .await;
}

/// A server tells its store once a minute, and when it ends.
#[tokio::test]
async fn the_last_use_of_a_key_is_listed_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(&[]);
    for store in [sqlite_url(folder.path()), redis.url()] {
        let key_command = |server: &Program, args: &[&str]| {
            let login = ["--server", &server.url, "--admin-key", Stack::KEY];
            let (status, out, error) = run(&[&["key"], args, &login].concat());
            assert!(status.success(), "{error}");
            out
        };
        let server = Program::serve(&store, &[]);
        let made = key_command(&server, &["create", "ann", "--project", "1", "--expires", "90d"]);
        let secret = made.lines().next().unwrap();
        Http::new(&server.url).bearer(secret).get("/jobq/1/count").await.ok();
        let line = |list: &str| {
            let line = list.lines().find(|line| line.ends_with(" ann")).unwrap();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let before = line(&key_command(&server, &["list"]));
        assert!(server.terminate().0.success());
        let server = Program::serve(&store, &[]);
        let after = line(&key_command(&server, &["list"]));
        // ID ROLE PROJECTS CREATED (two words) EXPIRES (two words) STATUS LAST USE QUOTAS OWNER.
        assert_eq!((before.len(), after.len()), (11, 12), "{before:?} {after:?}");
        assert_eq!((before[8].as_str(), &before[..8]), ("never", &after[..8]));
        assert_eq!(after[7], "good");
        assert!(after[3..5] <= after[8..10] && after[8..10] < after[5..7], "{after:?}");
    }
}

#[tokio::test]
async fn a_key_in_a_form_is_not_kept_as_an_argument() {
    let stack = Stack::start(spiderq_tests::StoreKind::Sqlite).await;
    let form = [("project", "1"), ("spider", "s"), ("apikey", Stack::KEY)];
    stack.http().anonymous().form("/api/run.json", &form).await.ok();
    let job = stack.http().get("/jobs/1/1/1").await.ok();
    assert!(!job.text().contains(Stack::KEY), "{job}");
}

/// Nothing secret is kept: the same id makes the same key again.
#[tokio::test]
async fn a_repeated_create_with_a_request_id_answers_the_same_key() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let request = CreateApiKeyRequest {
            owner: "ann".to_owned(),
            role: Role::User.into(),
            projects: vec![1, 2],
            all_projects: false,
            request_id: "once".to_owned(),
            ..CreateApiKeyRequest::default()
        };
        let create = async |grpc: &Grpc, request: &CreateApiKeyRequest| {
            let made = grpc.api_keys().create_api_key(request.clone()).await?;
            Ok::<_, tonic::Status>(made.into_inner())
        };
        let admin = stack.grpc();
        let first = create(&admin, &request).await.unwrap();
        assert_eq!(first.secret.len(), 32);
        assert!(first.secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(create(&admin, &request).await.unwrap(), first);
        let key = first.api_key.as_ref().unwrap();
        assert_eq!((key.owner.as_str(), key.role()), ("ann", Role::User));
        assert_eq!(key.projects, [1, 2]);
        for other in [
            CreateApiKeyRequest { owner: "bob".to_owned(), ..request.clone() },
            CreateApiKeyRequest { role: Role::Read.into(), ..request.clone() },
            CreateApiKeyRequest { projects: vec![1], ..request.clone() },
        ] {
            let refused = create(&admin, &other).await.unwrap_err();
            let reason = refused.get_details_error_info().unwrap().reason;
            assert_eq!((refused.code(), reason.as_str()), (Code::Aborted, "REQUEST_ID_REUSED"));
        }
        // Another caller with the same id gets a key of its own, and so does every call without one.
        let other = Grpc::new(&stack.url, &stack.create_key("root", Role::Admin, &[]).await);
        let second = create(&other, &request).await.unwrap();
        assert_ne!(second.secret, first.secret);
        let without = CreateApiKeyRequest { request_id: String::new(), ..request };
        let third = create(&admin, &without).await.unwrap().secret;
        assert_ne!(create(&admin, &without).await.unwrap().secret, third);
        let list = admin.api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap();
        let ann = list.into_inner().api_keys.into_iter().filter(|key| key.owner == "ann");
        assert_eq!(ann.count(), 4);
        let http = stack.http().bearer(&first.secret);
        http.get("/jobq/1/count").await.ok();
    })
    .await;
}
