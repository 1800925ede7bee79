//! API keys: the ways to send one, and what a revoked one gets. The command line for them:
//! `command_line.rs`; which role may make which call: `access/`.

use spiderq_proto::v1::{ListApiKeysRequest, RevokeApiKeyRequest, Role};
use spiderq_tests::Stack;

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
