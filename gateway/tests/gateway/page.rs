//! The web page: where it is served and how, and signing in.

use std::io::Read as _;

use axum::body::Body;
use flate2::read::GzDecoder;
use http::Request;
use spiderq_gateway::{GivenToAnybody, Options, PageOptions, router};
use spiderq_proto::v1::*;
use tonic::Status;
use tower::ServiceExt as _;

use crate::fake::{Fake, Reply};

const HTML: (&str, &str) =
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
const JSON: (&str, &str) = ("content-type", "application/json");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; worker-src 'self'; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'self'";

/// The response of a gateway with these options, to a request without credentials.
async fn send(
    options: Options,
    fake: &Fake,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    Reply::of(router(fake.services(), options).oneshot(request).await.unwrap()).await
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Reply {
    send(Options::default(), &Fake::default(), ("GET", path), headers, "").await
}

/// A gateway whose page comes from a folder with these files.
fn from_folder(files: &[(&str, &str)], base: &str) -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let page = PageOptions { folder: Some(folder.path().to_owned()), base: base.parse().unwrap() };
    (folder, Options { page: Some(page), ..Options::default() })
}

#[tokio::test]
async fn its_addresses_are_answered_where_html_is_asked_for() {
    for path in [
        "/",
        "/login",
        "/login/",
        "/p/53",
        "/p/53/7/81/log",
        "/p/53/job/7/81?x=1",
        "/runners",
        "/settings",
        "/admin/keys",
        "/docs",
    ] {
        let reply = get(path, &[HTML]).await;
        assert_eq!(reply.code, 200, "{path}");
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("content-security-policy", POLICY),
            ("referrer-policy", "no-referrer"),
            ("vary", "accept"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        for other in [&[][..], &[("accept", "*/*")], &[("accept", "application/json")]] {
            assert_eq!(get(path, other).await.code, 401, "{path}");
        }
    }
}

#[tokio::test]
async fn all_other_addresses_are_of_the_api_whoever_asks() {
    for path in ["/jobq/1/count", "/items/1/2/3", "/projects/1/settings", "/px", "/index.html"] {
        let reply = get(path, &[HTML]).await;
        assert_eq!(
            (reply.code.as_u16(), reply.header("content-type")),
            (401, Some("application/json"))
        );
    }
    let posted = send(Options::default(), &Fake::default(), ("POST", "/login"), &[HTML], "").await;
    assert_eq!(posted.code, 401);
    let options = || Options { page: None, ..Options::default() };
    for path in ["/", "/login", "/assets/app.js", "/session"] {
        let reply = send(options(), &Fake::default(), ("GET", path), &[HTML], "").await;
        assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
        assert!([401, 404].contains(&reply.code.as_u16()), "{path}: {}", reply.code);
    }
}

#[tokio::test]
async fn the_base_path_stands_in_it_and_head_has_no_body() {
    let files = [("index.html", "<a href=\"{{base}}x\">{{base}}</a>")];
    let (_folder, options) = from_folder(&files, "/tools/q/");
    let fake = Fake::default();
    let reply = send(options.clone(), &fake, ("GET", "/"), &[HTML], "").await;
    let text = r#"<a href="/tools/q/x">/tools/q/</a>"#;
    assert_eq!(reply.code_and_body(), (200, text));
    let tag = reply.header("etag").unwrap();
    let head = send(options.clone(), &fake, ("HEAD", "/"), &[HTML], "").await;
    assert_eq!((head.code_and_body(), head.header("etag")), ((200, ""), Some(tag)));
    let again = send(options, &fake, ("GET", "/"), &[HTML, ("if-none-match", tag)], "").await;
    assert_eq!(again.code_and_body(), (304, ""));
}

#[tokio::test]
async fn assets_of_the_program_are_kept_for_ever_and_those_of_a_folder_are_not() {
    let embedded = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    for entry in std::fs::read_dir(embedded).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let reply = get(&format!("/assets/{name}"), &[("accept-encoding", "gzip, br")]).await;
        if name == "index.html" {
            assert_eq!(reply.code, 404);
            continue;
        }
        let kept = "public, max-age=31536000, immutable";
        assert_eq!(
            (reply.code.as_u16(), reply.header("cache-control")),
            (200, Some(kept)),
            "{name}"
        );
        let mut text = Vec::new();
        match reply.header("content-encoding") {
            Some(_) => GzDecoder::new(&reply.bytes[..]).read_to_end(&mut text).unwrap(),
            None => {
                text = reply.bytes.clone();
                0
            }
        };
        assert_eq!(text, bytes, "{name}");
        let plain = get(&format!("/assets/{name}"), &[]).await;
        assert_eq!((plain.header("content-encoding"), &plain.bytes), (None, &bytes));
    }
    let (_folder, options) = from_folder(&[("index.html", ""), ("app.js", "1")], "/");
    let fake = Fake::default();
    let reply = send(options.clone(), &fake, ("GET", "/assets/app.js"), &[], "").await;
    assert_eq!(reply.code_and_body(), (200, "1"));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    assert_eq!(reply.header("content-type"), Some("text/javascript; charset=utf-8"));
    for missing in ["/assets/", "/assets/none.js", "/assets/../index.html", "/assets/index.html"] {
        let reply = send(options.clone(), &fake, ("GET", missing), &[], "").await;
        assert_eq!(reply.code_and_body(), (404, "the page has no such file\n"), "{missing}");
    }
}

#[tokio::test]
async fn what_the_page_gets_proves_no_credentials() {
    let request = Request::get("/").header(HTML.0, HTML.1).body(Body::empty()).unwrap();
    let response = Fake::default().send(request).await;
    assert!(response.extensions().get::<GivenToAnybody>().is_some());
    let response =
        Fake::default().send(Request::get("/jobq/1/count").body(Body::empty()).unwrap()).await;
    assert!(response.extensions().get::<GivenToAnybody>().is_none());
}

fn session() -> CreateSessionResponse {
    CreateSessionResponse {
        session: "spiderq-session.a.b".to_owned(),
        expire_time: None,
        lifetime: Some(spiderq_proto::time::duration(43_200_000)),
    }
}

#[tokio::test]
async fn a_key_becomes_a_cookie() {
    for (origin, secure) in [("http://h.test", ""), ("https://h.test", "; Secure")] {
        let fake = Fake::default().responds(session());
        let headers = [JSON, ("origin", origin), ("host", "h.test")];
        let (_folder, options) = from_folder(&[("index.html", "")], "/x/");
        let reply =
            send(options, &fake, ("POST", "/session"), &headers, "{\"api_key\":\" K \"}").await;
        assert_eq!(reply.code_and_body(), (204, ""));
        let cookie = format!(
            "spiderq_session=spiderq-session.a.b; HttpOnly; SameSite=Strict; Path=/x/; \
             Max-Age=43200{secure}"
        );
        assert_eq!(reply.header("set-cookie"), Some(&*cookie));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(fake.metadata().get("authorization").unwrap(), "Bearer K");
        assert_eq!(fake.request::<CreateSessionRequest>(), CreateSessionRequest {});
    }
}

#[tokio::test]
async fn a_wrong_key_and_a_bad_request_give_none() {
    let refused = Status::unauthenticated("authentication failed");
    let fake = Fake::default().responds(refused);
    let at = ("POST", "/session");
    let reply = send(Options::default(), &fake, at, &[JSON], "{\"api_key\":\"K\"}").await;
    let body = r#"{"error":"Unauthorized","message":"Unauthorized"}"#;
    assert_eq!(reply.code_and_body(), (401, body));
    // A browser would ask its user for a password.
    assert_eq!((reply.header("www-authenticate"), reply.header("set-cookie")), (None, None));
    let fake = Fake::default();
    for (headers, body, code, message) in [
        (&[JSON][..], "", 400, "body: must be {\\\"api_key\\\":\\\"KEY\\\"}"),
        (&[JSON], "{\"api_key\":1}", 400, "body: must be {\\\"api_key\\\":\\\"KEY\\\"}"),
        (&[JSON], "{\"api_key\":\"a\\nb\"}", 401, "Unauthorized"),
        (&[], "{\"api_key\":\"K\"}", 415, "Content-Type: must be application/json"),
        (&[("content-type", "text/plain")], "{}", 415, "Content-Type: must be application/json"),
    ] {
        let reply = send(Options::default(), &fake, at, headers, body).await;
        let (found, text) = reply.code_and_body();
        assert_eq!(found, code, "{body}");
        assert!(text.contains(&format!("\"message\":\"{message}\"")), "{text}");
    }
    let elsewhere = [JSON, ("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")];
    let reply = send(Options::default(), &fake, at, &elsewhere, "{\"api_key\":\"K\"}").await;
    assert_eq!((reply.code.as_u16(), fake.calls()), (403, 0));
}

#[tokio::test]
async fn a_session_says_whose_it_is_and_is_taken_away() {
    let identity = GetIdentityResponse {
        owner: "ann".to_owned(),
        role: Role::User.into(),
        projects: vec![53, 54],
        session_expire_time: Some(spiderq_proto::time::timestamp(1_800_000_000_000)),
    };
    let fake = Fake::default().identifies(Ok(identity));
    let bearer = [("authorization", "Bearer spiderq-session.a.b")];
    let reply = send(Options::default(), &fake, ("GET", "/session"), &bearer, "").await;
    let body = r#"{"owner":"ann","role":"user","projects":[53,54],"expires_time":1800000000000}"#;
    assert_eq!(reply.code_and_body(), (200, body));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let nobody = send(Options::default(), &fake, ("GET", "/session"), &[], "").await;
    assert_eq!((nobody.code.as_u16(), nobody.header("www-authenticate")), (401, None));
    let left = send(Options::default(), &fake, ("DELETE", "/session"), &[], "").await;
    assert_eq!(left.code_and_body(), (204, ""));
    let cookie = "spiderq_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0";
    assert_eq!(left.header("set-cookie"), Some(cookie));
}
