//! Single sign-on: the user whom a trusted proxy names in a header.

use http::Method;
use serde_json::{Value, json};
use spiderq_proto::v1::*;
use spiderq_server::{Network, ServiceOptions, TrustedUser};
use spiderq_tests::{Http, Stack, run};

use crate::grpc_limits::framed;

const HEADER: &str = "x-forwarded-user";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const GRPC_WEB: (&str, &str) = ("content-type", "application/grpc-web+proto");

/// A server that believes the proxies at this address.
async fn believing(proxy: &str, user_role: Option<spiderq_core::model::Role>) -> Stack {
    let proxies = vec![proxy.parse().unwrap()];
    let trusted_user = Some(TrustedUser { header: "X-Forwarded-User".to_owned(), proxies });
    let network = Network { trusted_user, ..Network::default() };
    Stack::on_with(network, ServiceOptions { user_role, ..ServiceOptions::default() }).await
}

/// Whom the server takes a read for; `None`: nobody.
async fn who(stack: &Stack, headers: &[(&str, &str)]) -> Option<Value> {
    let http = Http::new(&stack.url).anonymous();
    let answer = http.send(Method::GET, "/session", headers, "").await;
    if answer.status == 401 {
        return None;
    }
    let mut found = answer.ok().json();
    found.as_object_mut().unwrap().remove("expires_time");
    Some(found)
}

/// The gRPC status of a call of the page.
async fn call(stack: &Stack, headers: &[(&str, &str)]) -> String {
    let headers = [headers, &[GRPC_WEB]].concat();
    let path = "/spiderq.v1.ApiKeyService/GetIdentity";
    let http = Http::new(&stack.url).anonymous();
    let answer = http.send(Method::POST, path, &headers, framed(0, b"")).await.ok();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let trailer = body.split("grpc-status:").nth(1).map(|rest| rest.split('\r').next().unwrap());
    trailer.unwrap_or_else(|| answer.header("grpc-status")).to_owned()
}

#[tokio::test]
async fn the_user_of_a_proxy_may_do_what_a_key_of_theirs_may() {
    let stack = believing("127.0.0.0/8", None).await;
    stack.create_key("ann", Role::User, &[53]).await;
    let ann = (HEADER, "ann");
    let found = json!({"owner": "ann", "role": "user", "projects": [53]});
    assert_eq!(who(&stack, &[ann, OWN]).await, Some(found));
    assert_eq!(call(&stack, &[ann, OWN]).await, "0");
    let http = Http::new(&stack.url).anonymous();
    let read = http.send(Method::GET, "/jobq/53/count", &[ann, OWN], "").await;
    assert_eq!(read.ok().text(), "0");
    let other = http.send(Method::GET, "/jobq/54/count", &[ann, OWN], "").await;
    assert_eq!(other.status, 403);
    // A key that comes with the call is the caller.
    assert_eq!(stack.http().get("/session").await.ok().json()["owner"], "admin");
    let both = stack.http().send(Method::GET, "/session", &[ann, OWN], "").await.ok();
    assert_eq!(both.json()["owner"], "admin");
    for nobody in [
        &[(HEADER, "eve"), OWN][..],
        &[(HEADER, ""), OWN],
        &[(HEADER, "ann"), (HEADER, "ann"), OWN],
        &[OWN],
    ] {
        assert_eq!(who(&stack, nobody).await, None, "{nobody:?}");
    }
}

#[tokio::test]
async fn what_another_page_or_a_form_sends_is_nobodys() {
    let stack = believing("127.0.0.1", None).await;
    stack.create_key("ann", Role::User, &[53]).await;
    let ann = (HEADER, "ann");
    for elsewhere in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
        assert_eq!(who(&stack, &[ann, elsewhere]).await, None);
        assert_ne!(call(&stack, &[ann, elsewhere]).await, "0");
    }
    assert_eq!(call(&stack, &[ann]).await, "16");
    let http = Http::new(&stack.url).anonymous();
    let push = http.send(Method::POST, "/jobq/53/push", &[ann, OWN], r#"{"spider":"s"}"#).await;
    assert_eq!(push.status, 401);
}

#[tokio::test]
async fn only_the_proxy_is_believed_and_only_where_it_is_said() {
    let stack = believing("192.0.2.1", Some(spiderq_core::model::Role::User)).await;
    assert_eq!(who(&stack, &[(HEADER, "ann"), OWN]).await, None);
    let stack = Stack::on(Network::default()).await;
    stack.create_key("ann", Role::User, &[53]).await;
    assert_eq!(who(&stack, &[(HEADER, "ann"), OWN]).await, None);
}

#[tokio::test]
async fn a_user_without_a_key_has_the_role_that_the_operator_says() {
    let stack = believing("127.0.0.1", Some(spiderq_core::model::Role::Read)).await;
    let eve = [(HEADER, "eve"), OWN];
    let found = json!({"owner": "eve", "role": "read", "projects": null});
    assert_eq!(who(&stack, &eve).await, Some(found));
    let events = stack.grpc().audit().list_audit_events(ListAuditEventsRequest::default()).await;
    assert!(events.unwrap().into_inner().events.is_empty());
}

#[test]
fn unsafe_settings_are_refused_at_the_start() {
    let header = ["--trusted-user-header", "X-Forwarded-User"];
    let proxy = ["--trusted-proxy", "10.0.0.1"];
    let folder = tempfile::tempdir().unwrap();
    let store = spiderq_tests::sqlite_url(folder.path());
    for (command, flags, told) in [
        ("serve", &header[..], "--trusted-proxy"),
        ("serve", &proxy, "--trusted-user-header"),
        ("serve", &[&header[..], &proxy, &["--no-web"]].concat(), "--no-web"),
        (
            "serve",
            &[&header[..], &["--trusted-proxy", "0.0.0.0/0"]].concat(),
            "--trusted-proxy: must be the addresses of proxies, of /8 (IPv6: /7) at most: 0.0.0.0/0 is \
             too many",
        ),
        (
            "serve",
            &[&["--trusted-user-header", "cookie"][..], &proxy].concat(),
            "--trusted-user-header: must be a header for this alone, not cookie",
        ),
        (
            "serve",
            &[&header[..], &proxy, &["--trusted-user-role", "admin"]].concat(),
            "possible values: read, worker, user",
        ),
        (
            "service",
            &[&header[..], &proxy].concat(),
            "--trusted-user-header: users of a proxy are those of the web page, which `spiderq \
             serve` serves",
        ),
        ("gateway", &header, "unexpected argument '--trusted-user-header'"),
    ] {
        let mut args = vec![command, "--listen", "127.0.0.1:0"];
        if command != "gateway" {
            args.extend(["--store", &store]);
        }
        args.extend(flags);
        let (status, _, text) = run(&args);
        assert!(!status.success(), "{args:?}");
        assert!(text.contains(told), "{args:?}: {text}");
    }
}
