//! TLS: HTTP/1.1 and gRPC on the one port, and the commands that are its clients.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use futures::future::{join, join_all};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use spiderq_proto::v1::{CountJobsRequest, job_service_client::JobServiceClient};
use spiderq_server::{ClientAuth, Limits, Network, TlsFiles};
use spiderq_tests::{Http, Program, Raw, Stack, run};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};
use tonic::{
    Request,
    transport::{Certificate, ClientTlsConfig, Endpoint},
};

/// A certificate for the loopback address, which is its own authority.
pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self::of("127.0.0.1")
    }

    /// The same for another host.
    fn of(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = [host.to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        fs::write(folder.path().join("cert.pem"), cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn network(&self) -> Network {
        Network {
            tls: Some(TlsFiles {
                cert: self.path("cert.pem"),
                key: self.path("key.pem"),
                client_ca: None,
                client_auth: ClientAuth::Required,
            }),
            ..Network::default()
        }
    }

    /// A connection that offers these protocols.
    async fn connect(&self, url: &str, protocols: &[&str]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        let cert = CertificateDer::from_pem_file(self.path("cert.pem")).unwrap();
        roots.add(cert).unwrap();
        let mut config =
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let socket = TcpStream::connect(url.strip_prefix("https://").unwrap());
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, socket.await.unwrap()).await.unwrap()
    }

    fn grpc(&self, url: &str) -> JobServiceClient<tonic::transport::Channel> {
        let cert = fs::read(self.path("cert.pem")).unwrap();
        let trust = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(cert));
        let endpoint = Endpoint::from_shared(url.to_owned()).unwrap();
        JobServiceClient::new(endpoint.tls_config(trust).unwrap().connect_lazy())
    }
}

async fn count(jobs: &mut JobServiceClient<tonic::transport::Channel>) -> u64 {
    let mut request = Request::new(CountJobsRequest { project: 1, filter: None });
    let key = format!("Bearer {}", Stack::KEY).parse().unwrap();
    request.metadata_mut().insert("authorization", key);
    let count = jobs.count_jobs(request).await.unwrap();
    count.into_inner().count.try_into().unwrap()
}

#[tokio::test]
async fn http_1_and_http_2_are_negotiated_on_one_port() {
    let files = Files::new();
    let stack = Stack::on(files.network()).await;
    assert!(stack.url.starts_with("https://"));
    for (offered, agreed) in [
        (&["http/1.1"][..], Some(&b"http/1.1"[..])),
        (&[], None),
        (&["h2", "http/1.1"], Some(b"h2")),
    ] {
        let stream = files.connect(&stack.url, offered).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed);
    }
    let mut http1 = files.connect(&stack.url, &["http/1.1"]).await;
    let ask = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    http1.write_all(ask).await.unwrap();
    let mut answer = String::new();
    http1.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n{\"status\":\"ok\"}"), "{answer}");
    assert_eq!(count(&mut files.grpc(&stack.url)).await, 0);
}

#[tokio::test]
async fn the_session_of_a_browser_is_for_tls_alone() {
    let files = Files::new();
    let stack = Stack::on(files.network()).await;
    let body = format!("{{\"api_key\":\"{}\"}}", Stack::KEY);
    let origin = format!("origin: {}\r\n", stack.url);
    for origin in ["", &origin] {
        let mut http1 = files.connect(&stack.url, &["http/1.1"]).await;
        let ask = format!(
            "POST /session HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{origin}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        http1.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = String::new();
        http1.read_to_string(&mut answer).await.unwrap();
        let cookie = answer.lines().find(|line| line.starts_with("Set-Cookie: "));
        let attributes = cookie.and_then(|cookie| cookie.split_once("; ")).map(|(_, rest)| rest);
        let expected = "HttpOnly; SameSite=Strict; Path=/; Max-Age=43200; Secure";
        assert_eq!(attributes, Some(expected), "{answer}");
    }
}

#[tokio::test]
async fn a_stalled_handshake_is_closed() {
    let files = Files::new();
    // Long enough for the handshakes that are to succeed, on a busy machine.
    let limits = Limits { handshake_timeout: Duration::from_secs(3), ..Limits::default() };
    let stack = Stack::on(Network { limits, ..files.network() }).await;
    // Nothing, or the first bytes of a handshake of 512.
    let stalled = [&b""[..], &[22, 3, 1, 2, 0, 1, 0, 1]].map(async |hello| {
        let mut raw = Raw::begin(&stack.url, hello).await;
        assert_eq!(raw.read_to_end().await, b"");
    });
    // After the handshake nothing, or half a preface.
    let silent = ["", "PRI * HTTP"].map(async |opening| {
        let mut stream = files.connect(&stack.url, &["h2"]).await;
        stream.write_all(opening.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // An end without TLS's close_notify is an error, and an end.
        let _ = stream.read_to_end(&mut rest).await;
        assert_eq!(rest, b"");
    });
    join(join_all(stalled), join_all(silent)).await;
    assert_eq!(count(&mut files.grpc(&stack.url)).await, 0);
}

#[tokio::test]
async fn gateway_and_key_command_connect_over_tls() {
    let files = Files::new();
    let store = format!("sqlite:{}", files.text("spiderq.db"));
    let (cert, key) = (files.text("cert.pem"), files.text("key.pem"));
    let server = Program::serve(&store, &["--tls-cert", &cert, "--tls-key", &key]);
    let url = server.url.replace("http://", "https://");
    let login = ["--server", &url, "--admin-key", Stack::KEY, "--tls-ca", &cert];
    let (status, made, error) =
        run(&[&["key", "create", "ann", "--all-projects"][..], &login].concat());
    assert!(status.success(), "{error}");
    let ann = made.lines().next().unwrap();

    let gateway = Program::gateway(&url, &["--tls-ca", &cert]);
    let http = Http::new(&gateway.url).basic(ann, "");
    let fields = [("project", "1"), ("spider", "s")];
    http.form("/api/run.json", &fields).await.ok();
    // The address of the server itself, over which the job would be reached again.
    let base = http.get("/jobs/1/1/1/api_url").await.ok().json();
    assert_eq!(base, format!("{}/api/", gateway.url));
}

#[test]
fn commands_say_what_is_wrong_with_a_certificate() {
    let (files, other) = (Files::new(), Files::of("other.test"));
    let listed = |url: &str, ca: &str| {
        let login = ["--server", url, "--admin-key", Stack::KEY, "--tls-ca", ca];
        let commands = [&["key", "list"][..], &["audit"]];
        commands.map(|command| {
            let (status, _, error) = run(&[command, &login].concat());
            assert!(!status.success(), "{command:?}");
            error
        })
    };
    let serve = |files: &Files, more: &[&str]| {
        let store = format!("sqlite:{}", files.text("spiderq.db"));
        let (cert, key) = (files.text("cert.pem"), files.text("key.pem"));
        let tls = ["--tls-cert", &cert, "--tls-key", &key];
        let server = Program::serve(&store, &[&tls, more].concat());
        let url = server.url.replace("http://", "https://");
        (server, url)
    };
    let (_server, url) = serve(&files, &[]);
    let untrusted = "the server's certificate is not signed by a trusted authority; --tls-ca names";
    for error in listed(&url, &other.text("cert.pem")) {
        assert!(error.contains(&format!("can't connect to {url}: {untrusted}")), "{error}");
    }
    let (_server, url) = serve(&other, &[]);
    for error in listed(&url, &other.text("cert.pem")) {
        let told = "the server's certificate is not valid for this connection: ";
        assert!(error.contains(told) && error.contains("other.test"), "{error}");
    }
    let files = Files::new();
    let cert = files.text("cert.pem");
    let (server, url) = serve(&files, &["--tls-client-ca", &cert]);
    for error in listed(&url, &cert) {
        assert!(error.contains("--tls-client-cert"), "{error}");
    }
    drop(server);
    let (_, _, error) = run(&["key", "list", "--server", &url, "--admin-key", Stack::KEY]);
    assert!(error.contains("no server answers at https://"), "{error}");
    let plain = Program::serve(&format!("sqlite:{}", files.text("plain.db")), &[]);
    for error in listed(&plain.url.replace("http://", "https://"), &cert) {
        assert!(error.contains("its URL may begin with http://"), "{error}");
    }
}

#[test]
fn a_runner_says_why_it_cannot_reach_its_server() {
    let (files, other) = (Files::new(), Files::new());
    let (cert, key) = (files.text("cert.pem"), files.text("key.pem"));
    let store = format!("sqlite:{}", files.text("spiderq.db"));
    let server = Program::serve(&store, &["--tls-cert", &cert, "--tls-key", &key]);
    let url = server.url.replace("http://", "https://");
    let (ca, data) = (other.text("cert.pem"), files.text("data"));
    let login = ["runner", "--server", &url, "--tls-ca", &ca, "--api-key", Stack::KEY];
    let work = ["--project", "1", "--data-dir", &data, "--command", "true"];
    let mut runner = Program::spawn(&[&login[..], &work].concat());
    let line = runner.wait_for("asking for a job failed, retrying");
    assert!(line.contains("not signed by a trusted authority; --tls-ca names"), "{line}");
    assert!(runner.terminate().0.success());
}

#[test]
fn bad_certificate_files_are_refused_by_their_flag() {
    let files = Files::new();
    fs::write(files.path("empty.pem"), "").unwrap();
    let other = Files::new();
    let store = format!("sqlite:{}", files.text("spiderq.db"));
    let text = |name| files.text(name);
    for (cert, key, told) in [
        (text("nowhere.pem"), text("key.pem"), "--tls-cert: can't use"),
        (text("empty.pem"), text("key.pem"), "it holds no certificate"),
        (text("cert.pem"), text("empty.pem"), "--tls-key: can't use"),
        (text("cert.pem"), other.text("key.pem"), "--tls-key: can't use"),
    ] {
        let tls = ["--tls-cert", &cert, "--tls-key", &key];
        let (status, _, error) = run(&[&["--store", &store][..], &tls].concat());
        assert!(!status.success());
        assert!(error.contains(told), "{error}");
    }
    let (status, _, error) = run(&["--store", &store, "--tls-cert", &text("cert.pem")]);
    assert!(!status.success());
    assert!(error.contains("--tls-key"), "{error}");
}
