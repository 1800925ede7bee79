//! TLS and logins of Redis: what is accepted, and how refusals are reported.

use spiderq_core::{
    error::Error,
    model::{AuditEvent, Millis},
};
use spiderq_server::store_url::{StoreUrl, open};
use spiderq_tests::{redis_acl::RedisAcl, redis_server::RedisServer, redis_tls::RedisTls};

/// Why `url` cannot be opened.
async fn refusal(url: &str) -> String {
    let url = StoreUrl::parse(url).unwrap();
    let error = open(&url).await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    let cause = cause.unwrap_or_default();
    if matches!(error, Error::Unavailable { .. }) {
        return format!("unavailable: {cause}");
    }
    format!("{error}{cause}")
}

#[tokio::test]
async fn a_certificate_must_be_of_the_named_authority_and_host() {
    let server = RedisTls::start(false);
    let other = RedisTls::of_another_host();
    let url = StoreUrl::parse(&server.url()).unwrap();
    open(&url).await.unwrap().ping().await.unwrap();
    for (url, reason) in [
        (server.untrusting_url(), "UnknownIssuer"),
        (other.url(), "not valid for name"),
        (server.url().replace("rediss", "redis").split('?').next().unwrap().to_owned(), ""),
    ] {
        let refusal = refusal(&url).await;
        assert!(refusal.starts_with("unavailable: "), "{url}: {refusal}");
        assert!(refusal.contains(reason), "{url}: {refusal}");
    }
}

#[tokio::test]
async fn a_server_may_ask_for_a_client_certificate() {
    let server = RedisTls::start(true);
    let url = StoreUrl::parse(&server.mutual_url()).unwrap();
    open(&url).await.unwrap().ping().await.unwrap();
    let refusal = refusal(&server.url()).await;
    assert!(refusal.starts_with("unavailable: "), "{refusal}");
}

#[tokio::test]
async fn a_missing_certificate_file_is_named() {
    let refusal = refusal("rediss://127.0.0.1:1?tls_ca=/nowhere/ca.pem").await;
    let expected = "store: tls_ca: can't read /nowhere/ca.pem: No such file or directory";
    assert!(refusal.starts_with(expected), "{refusal}");
}

#[tokio::test]
async fn a_wrong_password_is_reported_without_showing_it() {
    let server = RedisAcl::start();
    let url = server.url().replace("%3Frd", "%3Frd-s3cret");
    let refusal = refusal(&url).await;
    let expected = "store: the server refuses the user or the password";
    assert_eq!(refusal, expected);
    assert_eq!(server.forget_refused(), 1);
}

#[tokio::test]
async fn a_command_that_the_acl_does_not_list_is_refused() {
    let server = RedisAcl::start();
    let client = redis::Client::open(server.plain_url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let keys: redis::RedisResult<Vec<String>> = redis::cmd("KEYS").arg("*").query(&mut connection);
    assert_eq!(keys.unwrap_err().code(), Some("NOPERM"));
    let other: redis::RedisResult<()> = redis::cmd("GET").arg("other").query(&mut connection);
    assert_eq!(other.unwrap_err().code(), Some("NOPERM"));
    assert_eq!(server.forget_refused(), 2);
    let before = server.url().replace("p%40ss%2Fw%3Frd", "OTHER");
    let expected = "store: the server refuses the user or the password";
    assert_eq!(refusal(&before).await, expected);
    assert_eq!(server.forget_refused(), 1);
    // The suite relies on this log: `RedisAcl` checks it on drop.
    let plain = RedisServer::start(&[]);
    assert_eq!(plain.command::<Vec<redis::Value>>(&["ACL", "LOG"]), []);
}

#[tokio::test]
async fn a_command_that_the_user_may_not_run_is_named_with_where_to_read_on() {
    let server = RedisAcl::start();
    let store = open(&StoreUrl::parse(&server.url()).unwrap()).await.unwrap();
    server.forbid("xtrim");
    server.forbid("xadd");
    let trimmed = store.prune_audit_events(Millis(1), 1).await.map(|_| ());
    let added = store.add_audit_event(event()).await;
    let needs = "; docs/redis.md has the ACL SETUSER line with all that it needs";
    let told = format!("the user of --store may not run the command XTRIM{needs}");
    assert_eq!(trimmed.unwrap_err().cause(), Some(told));
    // Redis before 7.2 does not say which command of a script it refuses.
    let told = added.unwrap_err().cause().unwrap();
    let named = ["the command XADD", "a command of a script (ACL LOG on the server names it)"];
    let expected = named.map(|what| format!("the user of --store may not run {what}{needs}"));
    assert!(expected.contains(&told), "{told}");
    assert!(server.forget_refused() > 0);
}

fn event() -> AuditEvent {
    AuditEvent {
        time: Millis(1),
        owner: String::new(),
        key_id: String::new(),
        role: None,
        peer: String::new(),
        call: "StopJobs".to_owned(),
        project: None,
        subject: String::new(),
        result: "OK".to_owned(),
        count: None,
        request_id: String::new(),
    }
}
