//! The real program never logs, at its finest level: API keys, sessions, job tokens, fences,
//! passwords of stores and `Authorization` values, in whichever way they came and whatever the call's outcome.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use prost::Message as _;
use spiderq_proto::v1::*;
use spiderq_tests::{
    Grpc, Http, Program, Stack, free_port, job_of, redis_server::RedisServer, run, sqlite_url,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const TOKEN_SECRET: &str = "token-secret-that-must-not-show";
const PASSWORD: &str = "p4ssw0rd-of-the-store";
const WRONG: &str = "fedcba9876543210fedcba9876543210";

/// Texts that must not show, and the forms in which they might.
struct Hidden(Vec<String>);

impl Hidden {
    fn new() -> Self {
        let mut hidden = Self(Vec::new());
        for text in [Stack::KEY, TOKEN_SECRET, PASSWORD, WRONG] {
            hidden.add(text);
        }
        hidden
    }

    fn add(&mut self, text: &str) {
        assert!(text.len() > 16, "not secret: {text:?}");
        // As the user name of Basic, whole groups of it; and as bytes in Debug.
        let encoded = STANDARD.encode(&text[..text.len() / 3 * 3]);
        let bytes = format!("{:?}", &text.as_bytes()[..8]);
        let bytes = bytes.trim_matches(['[', ']']).to_owned();
        self.0.extend([text.to_owned(), encoded, bytes]);
    }

    /// With the job's key before it, a token is other Base64.
    fn add_token(&mut self, key: &str, token: &str) {
        self.add(token);
        let basic = STANDARD.encode(format!("{key}:{token}"));
        self.0.push(basic[16..basic.len() - 4].to_owned());
    }

    fn assert_none_in(&self, output: &str) {
        for hidden in &self.0 {
            let line = output.lines().find(|line| line.contains(hidden.as_str()));
            assert_eq!(line, None, "shows {hidden}");
        }
    }
}

/// Calls over HTTP with good, wrong and no credentials in every place for them.
async fn call_over_http(url: &str, hidden: &mut Hidden) {
    let http = Http::new(url).basic(Stack::KEY, "");
    let plain = http.anonymous();
    http.post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
    let started = http.post("/jobq/1/startjob", "{}").await.ok().json();
    let (key, token) = (started["key"].as_str().unwrap(), started["auth"].as_str().unwrap());
    hidden.add_token(key, token);
    http.get(&format!("/jobs/{key}/auth")).await.ok();
    let as_job = plain.basic(key, token);
    as_job.post(&format!("/jobs/{key}"), r#"{"n":1}"#).await.ok();
    assert_eq!(as_job.get("/jobq/1/count").await.status, 403);
    plain.bearer(Stack::KEY).get("/jobq/1/count").await.ok();
    let form = [("project", "x"), ("apikey", Stack::KEY)];
    assert_eq!(plain.form("/api/run.json", &form).await.status, 400);
    for (key, [bad, unknown_path, wrong_method]) in
        [(Stack::KEY, [400, 404, 405]), (WRONG, [401; 3])]
    {
        let path = format!("/jobq/1/list?count=x&apikey={key}");
        assert_eq!(plain.get(&path).await.status, bad);
        let unknown = format!("/nowhere?apikey={key}");
        assert_eq!(plain.send(Method::PUT, &unknown, &[], "").await.status, unknown_path);
        let path = format!("/jobq/1/push?apikey={key}");
        assert_eq!(plain.get(&path).await.status, wrong_method);
    }
    plain.basic(WRONG, "").get("/jobq/1/count").await;
    plain.bearer(WRONG).get("/jobq/1/count").await;
    plain.basic(key, &token[1..]).get(&format!("/jobs/{key}")).await;
    let header = [("authorization", format!("Nonsense {WRONG}"))];
    let header = header.each_ref().map(|(name, value)| (*name, value.as_str()));
    plain.send(Method::GET, "/jobq/1/count", &header, "").await;
}

/// The same over gRPC, with what only gRPC knows: fences and new keys.
async fn call_over_grpc(url: &str, hidden: &mut Hidden) {
    let grpc = Grpc::new(url, Stack::KEY);
    let create = CreateApiKeyRequest {
        owner: "ann".to_owned(),
        role: Role::User.into(),
        all_projects: true,
        ..CreateApiKeyRequest::default()
    };
    let made = grpc.api_keys().create_api_key(create).await.unwrap().into_inner();
    hidden.add(&made.secret);
    let push =
        PushJobsRequest { project: 2, jobs: vec![job_of("s")], ..PushJobsRequest::default() };
    let ann = Grpc::new(url, &made.secret);
    ann.queue().push_jobs(push).await.unwrap();
    let start = StartJobRequest { project: 2, ..StartJobRequest::default() };
    let started = ann.queue().start_job(start).await.unwrap().into_inner();
    let key = started.job.unwrap().key;
    hidden.add(&started.fence);
    hidden.add_token(&key, &started.token);
    for fence in [started.fence.as_str(), WRONG] {
        let beat = HeartbeatRequest {
            key: key.clone(),
            fence: fence.to_owned(),
            ..HeartbeatRequest::default()
        };
        assert_eq!(ann.queue().heartbeat(beat).await.is_ok(), fence != WRONG);
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("{key}:{}", started.token)));
    for (header, good) in [
        (format!("Bearer {}", started.token), true),
        (basic, true),
        (format!("Bearer {WRONG}"), false),
        (format!("Bearer {}x", started.token), false),
    ] {
        let request = GetJobRequest { key: key.clone() };
        let got = grpc.with_authorization(&header).jobs().get_job(request).await;
        assert_eq!(got.is_ok(), good, "{got:?}");
    }
    // By mistake the key itself in place of its id.
    let mistaken = RevokeApiKeyRequest { id: made.secret };
    grpc.api_keys().revoke_api_key(mistaken).await.unwrap_err();
}

async fn call_over_grpc_web(url: &str) {
    let message = CountJobsRequest { project: 1, ..CountJobsRequest::default() };
    let message = message.encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let text = STANDARD.encode(&body);
    let path = "/spiderq.v1.JobService/CountJobs";
    for (kind, body) in [
        ("application/grpc-web+proto", Bytes::from(body)),
        ("application/grpc-web-text+proto", Bytes::from(text)),
    ] {
        for key in [Stack::KEY, WRONG] {
            let http = Http::new(url).bearer(key);
            http.send(Method::POST, path, &[("content-type", kind)], body.clone()).await.ok();
        }
    }
}

/// A browser that signs in, well and badly, and calls with the session that it got.
async fn call_as_a_browser(url: &str, hidden: &mut Hidden) {
    let http = Http::new(url).anonymous();
    let sign_in = async |body: String| {
        let kind = [("content-type", "application/json")];
        http.send(Method::POST, "/session", &kind, body).await
    };
    assert_eq!(sign_in(format!("{{\"api_key\":\"{WRONG}\"}}")).await.status, 401);
    assert_eq!(sign_in(format!("{{\"api_key\":\"{}\",}}", Stack::KEY)).await.status, 400);
    let made = sign_in(format!("{{\"api_key\":\"{}\"}}", Stack::KEY)).await;
    assert_eq!(made.status, 204);
    let cookie = made.header("set-cookie").split(';').next().unwrap();
    let session = cookie.split_once('=').unwrap().1;
    hidden.add(session);
    hidden.add(session.rsplit_once('.').unwrap().1);
    let own = ("sec-fetch-site", "same-origin");
    let changed = format!("{}x", &cookie[..cookie.len() - 1]);
    for (cookie, [good, bad]) in [(cookie, [200, 400]), (&changed, [401; 2])] {
        let headers = [("cookie", cookie), own];
        for (method, path, status) in [
            (Method::GET, "/jobq/1/count", good),
            (Method::GET, "/jobq/1/list?count=x", bad),
            (Method::POST, "/api/run.json", 401),
        ] {
            let answer = http.send(method, path, &headers, "").await;
            assert_eq!(answer.status, status, "{path}");
        }
        let path = "/spiderq.v1.ApiKeyService/GetIdentity";
        let headers = [&headers[..], &[("content-type", "application/grpc-web+proto")]].concat();
        http.send(Method::POST, path, &headers, Bytes::from_static(&[0; 5])).await.ok();
    }
    http.bearer(session).get("/jobq/1/count").await.ok();
}

/// A request over HTTP/2 whose path and authority no URI may have, by hand: clients refuse
/// to send it.
async fn call_with_malformed_headers(url: &str) {
    let literal = |name: u8, value: &str| {
        let length = u8::try_from(value.len()).unwrap();
        [&[name, length], value.as_bytes()].concat()
    };
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    };
    let path = format!("/jobq/<1>/count?apikey={}", Stack::KEY);
    for (path, authority) in [(path.as_str(), "localhost"), ("/", &format!("<{}>", Stack::KEY))] {
        // GET and http of the static table, then :path and :authority.
        let headers = [vec![0x82, 0x86], literal(4, path), literal(1, authority)].concat();
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let request = [preface, frame(4, 0, 0, &[]), frame(1, 5, 1, &headers)].concat();
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        // Until the stream is reset, or the connection given up.
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut payload).await.unwrap();
            if [3, 7].contains(&head[3]) {
                break;
            }
        }
    }
}

/// Flags of the finest log and of one more secret.
const TRACED: &[&str] = &["--log", "trace", "--token-secret", TOKEN_SECRET];

fn assert_silent(program: Program, hidden: &Hidden) {
    let (_, output) = program.terminate();
    assert!(output.contains("TRACE"), "{output}");
    hidden.assert_none_in(&output);
}

async fn assert_nothing_shows_on(store: &str) {
    let mut hidden = Hidden::new();
    let program = Program::serve(store, TRACED);
    call_over_http(&program.url, &mut hidden).await;
    call_over_grpc(&program.url, &mut hidden).await;
    call_over_grpc_web(&program.url).await;
    call_as_a_browser(&program.url, &mut hidden).await;
    call_with_malformed_headers(&program.url).await;
    let server = program.url.clone();
    let login = ["--server", &server, "--admin-key", Stack::KEY, "--log", "trace"];
    let (status, keys, log) = run(&[&["key", "list"], &login[..]].concat());
    assert!(status.success(), "{log}");
    hidden.assert_none_in(&format!("{keys}\n{log}"));
    assert_silent(program, &hidden);

    // Apart, headers travel between the two.
    let service = Program::service(store, TRACED);
    let gateway = Program::gateway(&service.url, &["--log", "trace"]);
    call_over_http(&gateway.url, &mut hidden).await;
    call_as_a_browser(&gateway.url, &mut hidden).await;
    assert_silent(gateway, &hidden);
    assert_silent(service, &hidden);
}

#[tokio::test]
async fn nothing_secret_is_logged_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    assert_nothing_shows_on(&sqlite_url(folder.path())).await;
}

/// A server that wants a password, and its URL.
fn redis_with_password() -> (RedisServer, String) {
    let port = free_port().to_string();
    let user = format!(">{PASSWORD}");
    let options = ["--port", &port, "--user", "ann", "on", &user, "~*", "&*", "+@all"];
    let server = RedisServer::start(&options);
    (server, format!("redis://ann:{PASSWORD}@127.0.0.1:{port}"))
}

#[tokio::test]
async fn nothing_secret_is_logged_on_redis() {
    let (mut server, url) = redis_with_password();
    assert_nothing_shows_on(&url).await;
    // While the store is away, every call says so.
    let mut hidden = Hidden::new();
    let program = Program::serve(&url, TRACED);
    let grpc = Grpc::new(&program.url, Stack::KEY);
    server.kill();
    let http = Http::new(&program.url);
    assert_eq!(http.bearer(Stack::KEY).get("/jobq/1/count").await.status, 503);
    http.bearer(WRONG).get("/jobq/1/count").await;
    grpc.api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap_err();
    hidden.add(&url);
    assert_silent(program, &hidden);
}

#[test]
fn nothing_secret_is_logged_when_the_program_cannot_start() {
    let hidden = Hidden::new();
    let (_server, url) = redis_with_password();
    let address = url.rsplit_once('@').unwrap().1;
    let nobody = format!("redis://ann:{PASSWORD}@127.0.0.1:{}", free_port());
    let unknown = format!("redis://bob:{PASSWORD}@{address}");
    let unreadable = format!("redis://ann:{PASSWORD}@:x/y");
    let other = format!("mysql://ann:{PASSWORD}@{address}");
    let socket = format!("redis+unix:///no/such/socket?user=ann&pass={PASSWORD}");
    let missing = "sqlite:/no/such/folder/spiderq.db".to_owned();
    for store in [nobody, unknown, unreadable, other, socket, missing] {
        for key in [Stack::KEY, "token-secret-that-must-not-show-as-a-key"] {
            let (status, out, log) = run(&[
                "serve",
                "--store",
                &store,
                "--listen",
                "127.0.0.1:0",
                "--log",
                "trace",
                "--admin-key",
                key,
                "--token-secret",
                TOKEN_SECRET,
            ]);
            assert!(!status.success(), "{store}");
            hidden.assert_none_in(&format!("{out}\n{log}"));
        }
    }
}
