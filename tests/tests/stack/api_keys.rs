//! API keys: the ways to send one, and what a revoked one gets. The command line for them:
//! `command_line.rs`; which role may make which call: `access/`.

use spiderq_proto::v1::{CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest, Role};
use spiderq_tests::{Grpc, Stack};
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
