//! The certificate files of the program: read again while it serves, checked for who may read
//! them, and certificates of clients. TLS itself: `tls.rs`.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
};

use spiderq_tests::{Http, Program, Stack, eventually, free_port, run, sqlite_url};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

use crate::tls::Files;

const RELOADED: &str = "certificate reloaded";
const NOT_RELOADED: &str = "certificate not reloaded, the old one stays";

/// A program with the certificate in `files`, its store in a folder of its own.
fn serve(files: &Files, more: &[&str]) -> (TempDir, Program) {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (files.text("cert.pem"), files.text("key.pem"));
    let tls = ["--tls-cert", &cert, "--tls-key", &key];
    let program = Program::serve(&sqlite_url(folder.path()), &[&tls[..], more].concat());
    (folder, program)
}

/// What `/healthz` answers over TLS to a client that trusts the certificate in `trusted` alone and
/// shows that of `own`.
async fn ask(program: &Program, trusted: &Files, own: Option<&Files>) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted.path("cert.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let cert = CertificateDer::from_pem_file(own.path("cert.pem")).unwrap();
            let key = PrivateKeyDer::from_pem_file(own.path("key.pem")).unwrap();
            config.with_client_auth_cert(vec![cert], key).unwrap()
        }
    };
    let socket = TcpStream::connect(program.url.strip_prefix("http://").unwrap()).await?;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn serves(program: &Program, trusted: &Files, own: Option<&Files>) -> bool {
    ask(program, trusted, own).await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 OK\r\n"))
}

/// Puts the certificate and key of `from` in place of those of `into`.
fn replace(into: &Files, from: &Files) {
    for name in ["cert.pem", "key.pem"] {
        fs::copy(from.path(name), into.path(name)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_served_on_sighup_and_a_bad_one_is_not() {
    let (files, old, new) = (Files::new(), Files::new(), Files::new());
    replace(&files, &old);
    let (_folder, mut program) = serve(&files, &[]);
    assert!(serves(&program, &old, None).await);
    let kept = TcpStream::connect(program.url.strip_prefix("http://").unwrap()).await.unwrap();

    replace(&files, &new);
    program.send_signal("HUP");
    program.wait_for(RELOADED);
    assert!(serves(&program, &new, None).await);
    assert!(!serves(&program, &old, None).await);
    // Connections from before go on.
    kept.writable().await.unwrap();

    fs::write(files.path("cert.pem"), "none").unwrap();
    program.send_signal("HUP");
    program.wait_for(NOT_RELOADED);
    assert!(serves(&program, &new, None).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_noticed_without_a_signal() {
    let (files, new) = (Files::new(), Files::new());
    let (_folder, program) = serve(&files, &[]);
    assert!(!serves(&program, &new, None).await);
    replace(&files, &new);
    let look = async || serves(&program, &new, None).await.then_some(());
    eventually("the new certificate was not served", look).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_ends_no_server_and_no_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::serve(&sqlite_url(folder.path()), &[]);
    let gateway = Program::gateway(&server.url, &[]);
    for program in [&server, &gateway] {
        for _ in 0..3 {
            program.send_signal("HUP");
            Http::new(&program.url).get("/healthz").await.ok();
        }
    }
    for program in [gateway, server] {
        let (status, output) = program.terminate();
        assert!(status.success(), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_may_or_must_have_a_certificate() {
    let (files, client, stranger) = (Files::new(), Files::new(), Files::new());
    let authority = client.text("cert.pem");
    for (auth, without) in [(&[][..], false), (&["--tls-client-auth", "optional"], true)] {
        let ca = ["--tls-client-ca", &authority];
        let (_folder, program) = serve(&files, &[&ca[..], auth].concat());
        assert!(serves(&program, &files, Some(&client)).await, "{auth:?}");
        assert_eq!(serves(&program, &files, None).await, without, "{auth:?}");
        assert!(!serves(&program, &files, Some(&stranger)).await, "{auth:?}");
    }
    // Our own commands have one too.
    let (_folder, program) = serve(&files, &["--tls-client-ca", &authority]);
    let url = program.url.replace("http://", "https://");
    let trusted = files.text("cert.pem");
    let list = ["key", "list", "--server", &url, "--admin-key", Stack::KEY, "--tls-ca", &trusted];
    assert!(!run(&list).0.success());
    let key = client.text("key.pem");
    let own = ["--tls-client-cert", &authority, "--tls-client-key", &key];
    let (status, _, error) = run(&[&list[..], &own].concat());
    assert!(status.success(), "{error}");
    // The authorities are read again too.
    let (_folder, mut program) = serve(&files, &["--tls-client-ca", &authority]);
    let known = client.path("cert.pem");
    fs::copy(stranger.path("cert.pem"), known).unwrap();
    program.send_signal("HUP");
    program.wait_for(RELOADED);
    assert!(serves(&program, &files, Some(&stranger)).await);
}

#[test]
fn a_private_key_that_others_may_read_is_warned_of_and_one_that_all_may_write_is_refused() {
    let files = Files::new();
    let key = files.path("key.pem");
    for mode in [0o644, 0o660] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let (_folder, mut program) = serve(&files, &[]);
        let warning = program.wait_for("others may read or replace the private key");
        assert!(warning.contains("WARN") && warning.contains("key.pem"), "{warning}");
        assert!(warning.contains(&format!("{mode:o}")), "{warning}");
    }
    for mode in [0o600, 0o640] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let (_folder, program) = serve(&files, &[]);
        let (_, output) = program.terminate();
        assert!(!output.contains("private key"), "{output}");
    }
    fs::set_permissions(&key, Permissions::from_mode(0o666)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let listen = format!("127.0.0.1:{}", free_port());
    let (cert, key) = (files.text("cert.pem"), files.text("key.pem"));
    let (status, _, error) = run(&[
        "serve",
        "--store",
        &store,
        "--listen",
        &listen,
        "--admin-key",
        Stack::KEY,
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
    ]);
    assert!(!status.success());
    let expected = format!("--tls-key: can't use {key}: everyone may write to it");
    assert!(error.contains(&expected), "{error}");
}
