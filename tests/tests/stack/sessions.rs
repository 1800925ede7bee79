//! Sessions of browsers: what they may do, and when they end.

use bytes::Bytes;
use http::Method;
use prost::Message as _;
use spiderq_proto::v1::*;
use spiderq_server::{GatewayOptions, Network};
use spiderq_tests::{Grpc, Http, Stack, StoreKind};
use tonic::Code;

use crate::{grpc_limits::framed, on_each_store};

const JSON: (&str, &str) = ("content-type", "application/json");
const GRPC_WEB: (&str, &str) = ("content-type", "application/grpc-web+proto");

/// Signs in as a browser does, and returns its `Cookie` header.
async fn sign_in(url: &str, key: &str) -> String {
    let http = Http::new(url).anonymous();
    let body = format!("{{\"api_key\":\"{key}\"}}");
    let headers = [JSON, ("origin", url)];
    let answer = http.send(Method::POST, "/session", &headers, body).await;
    assert_eq!(answer.status, 204, "{answer}");
    let cookie = answer.header("set-cookie");
    let (cookie, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/; Max-Age=43200");
    cookie.to_owned()
}

/// The text of the session in a cookie.
fn session(cookie: &str) -> &str {
    cookie.split_once('=').unwrap().1
}

async fn count(url: &str, headers: &[(&str, &str)]) -> u16 {
    Http::new(url).anonymous().send(Method::GET, "/jobq/1/count", headers, "").await.status
}

/// The gRPC status of a call over gRPC-Web with these headers.
async fn call(url: &str, method: &str, message: &[u8], headers: &[(&str, &str)]) -> String {
    let headers = [headers, &[GRPC_WEB]].concat();
    let path = format!("/spiderq.v1.{method}");
    let http = Http::new(url).anonymous();
    let answer = http.send(Method::POST, &path, &headers, framed(0, message)).await.ok();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let trailer = body.split("grpc-status:").nth(1).map(|rest| rest.split('\r').next().unwrap());
    trailer.unwrap_or_else(|| answer.header("grpc-status")).to_owned()
}

#[tokio::test]
async fn a_browser_signs_in_reads_calls_and_signs_out() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (url, key) = (stack.url.as_str(), stack.create_key("ann", Role::User, &[1]).await);
        let cookie = sign_in(url, &key).await;
        let (cookie, own) = (("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin"));
        let http = Http::new(url).anonymous();
        let who = http.send(Method::GET, "/session", &[cookie, own], "").await.ok().json();
        let end = who["expires_time"].as_u64().unwrap();
        let expected = serde_json::json!({
            "owner": "ann", "role": "user", "projects": [1], "expires_time": end,
        });
        assert_eq!(who, expected);
        assert_eq!(count(url, &[cookie, own]).await, 200);
        let push = PushJobsRequest {
            project: 1,
            jobs: vec![spiderq_tests::job_of("s")],
            ..Default::default()
        };
        let push = push.encode_to_vec();
        let pushed = call(url, "JobQueueService/PushJobs", &push, &[cookie, own]).await;
        assert_eq!(pushed, "0");
        // It reaches no other project, as its key.
        let other = CountJobsRequest { project: 2, filter: None }.encode_to_vec();
        assert_eq!(call(url, "JobService/CountJobs", &other, &[cookie, own]).await, "7");
        let left = http.send(Method::DELETE, "/session", &[cookie, own], "").await;
        assert_eq!((left.status, left.text()), (204, String::new()));
        assert!(left.header("set-cookie").starts_with("spiderq_session=; "));
    })
    .await;
}

#[tokio::test]
async fn what_other_pages_and_forms_send_is_not_signed_in() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let url = stack.url.as_str();
    let cookie = sign_in(url, &stack.key).await;
    let cookie = ("cookie", cookie.as_str());
    for elsewhere in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://127.0.0.1:1")],
    ] {
        let headers = [elsewhere, &[cookie]].concat();
        assert_eq!(count(url, &headers).await, 401, "{elsewhere:?}");
        let status = call(url, "ApiKeyService/GetIdentity", b"", &headers).await;
        assert!(["7", "16"].contains(&status.as_str()), "{elsewhere:?}: {status}");
    }
    let http = Http::new(url).anonymous();
    // Not even the own page, whose forms and links others could fill; nor is its reader asked for a
    // password by the browser.
    for (method, path) in [
        (Method::POST, "/api/run.json"),
        (Method::POST, "/jobq/1/push"),
        (Method::DELETE, "/jobs/1/1/1"),
        (Method::GET, "/ids/1/spider/x?create=1"),
    ] {
        let headers = [cookie, ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")];
        let answer = http.send(method, path, &headers, "").await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, ""), "{path}");
    }
}

#[tokio::test]
async fn a_session_ends_with_its_key_and_with_its_time() {
    on_each_store(async |kind| {
        const NOW: u64 = 1_800_000_000_000;
        const HOURS: u64 = 3_600_000;
        let stack = Stack::at(kind, NOW).await;
        let keys = stack.grpc();
        let made = CreateApiKeyRequest {
            owner: "ann".to_owned(),
            role: Role::Read.into(),
            all_projects: true,
            expire_time: Some(spiderq_proto::time::timestamp((NOW + 13 * HOURS).cast_signed())),
            ..CreateApiKeyRequest::default()
        };
        let made = keys.api_keys().create_api_key(made).await.unwrap().into_inner();
        let (key, id) = (made.secret, made.api_key.unwrap().id);
        let with = |session: &str| Grpc::new(&stack.url, session);
        let create = async |grpc: Grpc| {
            let made = grpc.api_keys().create_session(CreateSessionRequest {}).await;
            made.map(|made| made.into_inner())
        };
        let identity = async |session: &str| {
            let found = with(session).api_keys().get_identity(GetIdentityRequest {}).await;
            found.map(|found| found.into_inner()).map_err(|status| status.code())
        };
        let first = create(with(&key)).await.unwrap();
        assert_eq!(first.lifetime, Some(spiderq_proto::time::duration(12 * 3_600_000)));
        let found = identity(&first.session).await.unwrap();
        assert_eq!((found.owner.as_str(), found.role()), ("ann", Role::Read));
        assert_eq!(found.session_expire_time, first.expire_time);
        assert_eq!(identity(&key).await.unwrap().session_expire_time, None);
        // No session makes another.
        let refused = create(with(&first.session)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);

        stack.set_time(NOW + 12 * HOURS);
        assert_eq!(identity(&first.session).await, Err(Code::Unauthenticated));
        // Its key expires before its time is over.
        let second = create(with(&key)).await.unwrap();
        assert_eq!(second.lifetime, Some(spiderq_proto::time::duration(3_600_000)));
        assert!(identity(&second.session).await.is_ok());
        keys.api_keys().revoke_api_key(RevokeApiKeyRequest { id }).await.unwrap();
        assert_eq!(identity(&second.session).await, Err(Code::Unauthenticated));
    })
    .await;
}

#[tokio::test]
async fn a_watch_ends_with_the_session_that_began_it() {
    on_each_store(async |kind| {
        const NOW: u64 = 1_800_000_000_000;
        let stack = Stack::at(kind, NOW).await;
        let (grpc, key) = (stack.grpc(), stack.create_key("ann", Role::Read, &[1]).await);
        let ann = Grpc::new(&stack.url, &key);
        let watch = async || {
            let made = ann.api_keys().create_session(CreateSessionRequest {}).await.unwrap();
            let browser = Grpc::new(&stack.url, &made.into_inner().session);
            let request = WatchJobsRequest { project: 1, ..WatchJobsRequest::default() };
            let mut events = browser.jobs().watch_jobs(request).await.unwrap().into_inner();
            events.message().await.unwrap().unwrap();
            events
        };
        // By its time: the event after that does not come.
        let mut events = watch().await;
        stack.set_time(NOW + 12 * 3_600_000);
        let push = PushJobsRequest {
            project: 1,
            jobs: vec![spiderq_tests::job_of("s")],
            ..Default::default()
        };
        grpc.queue().push_jobs(push).await.unwrap();
        assert_eq!(events.message().await.unwrap_err().code(), Code::Unauthenticated);
        // By the end of its key.
        let mut events = watch().await;
        let listed = grpc.api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap();
        let keys = listed.into_inner().api_keys;
        let id = keys.into_iter().find(|key| key.owner == "ann").unwrap().id;
        grpc.api_keys().revoke_api_key(RevokeApiKeyRequest { id }).await.unwrap();
        assert_eq!(events.message().await.unwrap_err().code(), Code::Unauthenticated);
    })
    .await;
}

#[tokio::test]
async fn another_process_on_the_store_takes_it_and_hears_of_the_end() {
    const NOW: u64 = 1_800_000_000_000;
    let one = Stack::at(StoreKind::Redis, NOW).await;
    let other = one.another().await;
    let key = one.create_key("ann", Role::Read, &[1]).await;
    let cookie = sign_in(&one.url, &key).await;
    let headers = [("cookie", cookie.as_str())];
    assert_eq!(count(&other.url, &headers).await, 200);
    let listed = one.grpc().api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap();
    let id = listed.into_inner().api_keys.into_iter().find(|key| key.owner == "ann").unwrap().id;
    one.grpc().api_keys().revoke_api_key(RevokeApiKeyRequest { id }).await.unwrap();
    assert_eq!(count(&one.url, &headers).await, 401);
    one.set_time(NOW + 5_000);
    other.set_time(NOW + 5_000);
    assert_eq!(count(&other.url, &headers).await, 401);
}

#[tokio::test]
async fn signing_in_is_audited() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let cookie = sign_in(&stack.url, &stack.key).await;
    let query = ListAuditEventsRequest { call: "CreateSession".to_owned(), ..Default::default() };
    let events = stack.grpc().audit().list_audit_events(query).await.unwrap().into_inner().events;
    let told: Vec<_> =
        events.iter().map(|one| (&*one.owner, &*one.subject, &*one.result)).collect();
    assert_eq!(told, [("admin", "session of 43200 s", "OK")]);
    assert!(!format!("{events:?}").contains(session(&cookie)));
}

#[tokio::test]
async fn the_gateway_alone_signs_in_and_hands_calls_of_the_page_on() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let gateway = spiderq_server::start_gateway(GatewayOptions {
        upstream: stack.url.clone(),
        tls: Default::default(),
        listen: ([127, 0, 0, 1], 0).into(),
        public_url: None,
        max_body: 1 << 20,
        memory: spiderq_core::MemoryBudget::unlimited(),
        network: Network::default(),
    })
    .unwrap();
    let url = gateway.url.clone();
    let cookie = sign_in(&url, &stack.key).await;
    let headers = [("cookie", cookie.as_str()), ("origin", url.as_str())];
    assert_eq!(count(&url, &headers).await, 200);
    let push = PushJobsRequest {
        project: 1,
        jobs: vec![spiderq_tests::job_of("s")],
        ..Default::default()
    };
    let push = push.encode_to_vec();
    assert_eq!(call(&url, "JobQueueService/PushJobs", &push, &headers).await, "0");
    assert_eq!(call(&url, "JobQueueService/PushJobs", &push, &headers[1..]).await, "16");
    let html = [("accept", "text/html")];
    let http = Http::new(&url).anonymous();
    let page = http.send(Method::GET, "/p/1", &html, "").await.ok();
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    // gRPC itself is the service's.
    let grpc = [headers[1], ("content-type", "application/grpc")];
    let answer = http.send(Method::POST, "/spiderq.v1.JobService/CountJobs", &grpc, Bytes::new());
    assert_eq!(answer.await.status, 401);
    gateway.shutdown().await;
}

#[tokio::test]
async fn without_a_page_there_are_no_sessions() {
    let with = Stack::start(StoreKind::Sqlite).await;
    let stack = Stack::on(Network { page: None, ..Network::default() }).await;
    let cookie = sign_in(&with.url, &with.key).await;
    assert_eq!(count(&stack.url, &[("cookie", &cookie)]).await, 401);
    let body = format!("{{\"api_key\":\"{}\"}}", stack.key);
    let answer = stack.http().send(Method::POST, "/session", &[JSON], body).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn everything_is_served_under_the_base_path_too() {
    let base_path = "/tools/q/".parse().unwrap();
    let stack = Stack::on(Network { base_path, ..Network::default() }).await;
    let http = Http::new(&stack.url).anonymous();
    let body = format!("{{\"api_key\":\"{}\"}}", stack.key);
    let answer = http.send(Method::POST, "/tools/q/session", &[JSON], body).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.contains("; Path=/tools/q/; "), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    for path in ["/tools/q/jobq/1/count", "/jobq/1/count"] {
        let answer = http.send(Method::GET, path, &[("cookie", cookie)], "").await;
        assert_eq!(answer.status, 200, "{path}");
    }
    assert_eq!(http.get("/tools/q/healthz").await.status, 200);
    assert_eq!(http.get("/tools/qjobq/1/count").await.status, 401);
    let page = http.send(Method::GET, "/tools/q", &[("accept", "text/html")], "").await.ok();
    assert!(page.text().contains("/tools/q/") && !page.text().contains("{{base}}"));
    let headers = [GRPC_WEB, ("cookie", cookie), ("origin", &stack.url)];
    let path = "/tools/q/spiderq.v1.ApiKeyService/GetIdentity";
    let answer = http.send(Method::POST, path, &headers, framed(0, b"")).await.ok();
    assert!(String::from_utf8_lossy(&answer.body).contains("grpc-status:0"));
}
