//! The last admin key of a server without `--admin-key` stays, also when two revoke each other.

use spiderq_proto::v1::{
    CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest, Role, RotateApiKeyRequest,
};
use spiderq_tests::{Grpc, Program, redis_server::RedisServer, sqlite_url};
use tonic::Code;
use tonic_types::StatusExt as _;

const PAIRS: usize = 100;

/// A server on an empty store, with the admin key that it prints.
fn first_start(store: &str) -> (Program, String) {
    let mut program = Program::start(&["--store", store, "--listen", "127.0.0.1:0"]);
    let line = program.wait_for("curl -u ");
    let user = line.split_whitespace().nth(2).unwrap();
    let key = user.trim_end_matches(':').to_owned();
    (program, key)
}

async fn id_of(grpc: &Grpc) -> String {
    let list = grpc.api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap();
    let [key] = &list.get_ref().api_keys[..] else { panic!("{list:?}") };
    key.id.clone()
}

/// Two admins revoke each other at once, again and again: one of them is refused each time.
async fn assert_an_admin_is_left(url: &str, first: String) {
    let mut left = Grpc::new(url, &first);
    for pair in 0..PAIRS {
        let id = id_of(&left).await;
        let create = CreateApiKeyRequest {
            owner: format!("admin {pair}"),
            role: Role::Admin.into(),
            ..CreateApiKeyRequest::default()
        };
        let made = left.api_keys().create_api_key(create).await.unwrap().into_inner();
        let other = Grpc::new(url, &made.secret);
        // Known to the server, so that both calls reach the store.
        see_keys(&other).await;
        let other_id = made.api_key.unwrap().id;
        let (mut one, mut two) = (left.api_keys(), other.api_keys());
        let (by_left, by_other) = tokio::join!(
            one.revoke_api_key(RevokeApiKeyRequest { id: other_id }),
            two.revoke_api_key(RevokeApiKeyRequest { id }),
        );
        let refused = match (by_left, by_other) {
            (Ok(_), Err(refused)) => refused,
            (Err(refused), Ok(_)) => {
                left = other;
                refused
            }
            both => panic!("pair {pair}: {both:?}"),
        };
        // The one that comes second is revoked already, or is the last.
        let reason = refused.get_error_details().error_info().map(|info| info.reason.clone());
        let refusal = (refused.code(), reason.unwrap_or_default());
        let last = (Code::FailedPrecondition, "LAST_ADMIN_KEY".to_owned());
        let revoked = (Code::Unauthenticated, "UNAUTHENTICATED".to_owned());
        assert!([last, revoked].contains(&refusal), "pair {pair}: {refusal:?}");
    }
    id_of(&left).await;
}

async fn see_keys(grpc: &Grpc) {
    grpc.api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_admins_that_revoke_each_other_at_once_one_is_left() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), RedisServer::start(&[]));
    for store in [sqlite_url(folder.path()), redis.url()] {
        let (program, key) = first_start(&store);
        assert_an_admin_is_left(&program.url, key).await;
    }
}

/// The rotated key does not count from then on, and the new one does.
#[tokio::test]
async fn the_only_admin_key_can_be_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let (program, key) = first_start(&sqlite_url(folder.path()));
    let old = Grpc::new(&program.url, &key);
    let rotate = RotateApiKeyRequest { id: id_of(&old).await, keep: None };
    let rotated = old.api_keys().rotate_api_key(rotate).await.unwrap().into_inner();
    let new = Grpc::new(&program.url, &rotated.secret);
    let revoke = async |grpc: &Grpc, id: String| {
        grpc.api_keys().revoke_api_key(RevokeApiKeyRequest { id }).await.map(|_| ())
    };
    let refused = revoke(&old, rotated.api_key.unwrap().id).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    revoke(&new, rotated.replaced_api_key.unwrap().id).await.unwrap();
    id_of(&new).await;
}
