//! Bodies that cost a server more than their sender: small when sent and large when decompressed
//! or decoded, or without an end. With no key they cost nothing, with a key no more than the
//! memory that bodies may use.

use std::{io::Write as _, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures::{
    future::join_all,
    stream::{self, StreamExt as _},
};
use http::{Method, Request, StatusCode};
use http_body_util::StreamBody;
use hyper::{
    body::Frame,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use spiderq_proto::v1::{CreateApiKeyRequest, Role};
use spiderq_tests::{Grpc, Http, Stack, StoreKind};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until, timeout_at},
};
use tonic::body::Body;

use crate::victim::{Victim, attack_time};

const MIB: usize = 1 << 20;
/// Requests that an attacker has under way at a time.
const AT_A_TIME: usize = 8;
const STREAMS: usize = 150;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An UpdateQueueRequest of millions of empty updates, each of which takes 240 bytes once it is
/// decoded, in its frame and compressed: 16 KB.
fn many_updates() -> Bytes {
    let message = gzip(&b"\x12\x00".repeat(8 * MIB - 1_000));
    assert!(message.len() < 20_000);
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[1], &length[..], &message].concat().into()
}

async fn connect(victim: &Victim) -> SendRequest<Body> {
    let address = victim.url().strip_prefix("http://").unwrap();
    let socket = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// The key of an owner whose only calls are the attack.
async fn attackers_key(victim: &Victim) -> String {
    let request = CreateApiKeyRequest {
        owner: "attacker".to_owned(),
        role: Role::User.into(),
        all_projects: true,
        ..CreateApiKeyRequest::default()
    };
    let mut keys = Grpc::new(victim.url(), Stack::KEY).api_keys();
    keys.create_api_key(request).await.unwrap().into_inner().secret
}

/// Sends the message again and again; the codes of gRPC that came back.
async fn update_again_and_again(victim: &Victim, authorization: Option<String>) -> Vec<String> {
    let (message, end) = (many_updates(), Instant::now() + attack_time());
    let senders = (0..AT_A_TIME).map(async |_| {
        let mut sender = connect(victim).await;
        let mut codes = Vec::new();
        while Instant::now() < end {
            let url = format!("{}/spiderq.v1.JobQueueService/UpdateQueue", victim.url());
            let mut request = Request::post(url)
                .header("content-type", "application/grpc")
                .header("grpc-encoding", "gzip")
                .header("te", "trailers");
            if let Some(authorization) = &authorization {
                request = request.header("authorization", authorization);
            }
            let body = http_body_util::Full::new(message.clone());
            let answer = sender.send_request(request.body(Body::new(body)).unwrap()).await.unwrap();
            codes.push(answer.headers()["grpc-status"].to_str().unwrap().to_owned());
        }
        codes
    });
    join_all(senders).await.concat()
}

#[tokio::test]
async fn a_message_of_millions_of_elements() {
    for kind in StoreKind::ALL {
        let victim = Victim::start(kind, &[]).await;
        let unknown = format!("Bearer {}", "f".repeat(32));
        let known = format!("Bearer {}", attackers_key(&victim).await);
        for (name, authorization, allowed) in [
            ("8 million elements, no key", None, ["16", "16"]),
            ("8 million elements, an unknown key", Some(unknown), ["16", "16"]),
            // Refused for its expansion, or as the memory is used up.
            ("8 million elements, a good key", Some(known), ["8", "8"]),
        ] {
            let attack = update_again_and_again(&victim, authorization);
            let (codes, report) = victim.under(name, attack).await;
            assert!(!codes.is_empty());
            assert!(codes.iter().all(|code| allowed.contains(&code.as_str())), "{codes:?}");
            report.assert_unharmed();
        }
    }
}

#[tokio::test]
async fn a_form_of_millions_of_parameters() {
    let form = gzip(&b"a&".repeat(8 * MIB - 1_000));
    for kind in StoreKind::ALL {
        let victim = Victim::start(kind, &[]).await;
        let http = Http::new(victim.url());
        let headers =
            [("content-encoding", "gzip"), ("content-type", "application/x-www-form-urlencoded")];
        let key = attackers_key(&victim).await;
        for (name, client, expected) in [
            ("8 million parameters, no key", http.anonymous(), [401, 401]),
            ("8 million parameters, an unknown key", http.bearer(&"f".repeat(32)), [401, 401]),
            ("8 million parameters, a good key", http.bearer(&key), [413, 429]),
        ] {
            let attack = async {
                let end = Instant::now() + attack_time();
                let senders = (0..AT_A_TIME).map(async |_| {
                    let mut codes = Vec::new();
                    while Instant::now() < end {
                        let path = "/api/run.json";
                        let answer = client.send(Method::POST, path, &headers, form.clone()).await;
                        codes.push(answer.status);
                    }
                    codes
                });
                join_all(senders).await.concat()
            };
            let (codes, report) = victim.under(name, attack).await;
            assert!(!codes.is_empty());
            assert!(codes.iter().all(|code| expected.contains(code)), "{codes:?}");
            report.assert_unharmed();
        }
    }
}

/// Streams on one connection, each with a compressed body of 15 MiB that does not end, held for
/// the time of the attack. The codes of those that were answered meanwhile.
async fn hold_bodies(victim: &Victim, authorization: &str) -> Vec<StatusCode> {
    let end = Instant::now() + attack_time() + Duration::from_secs(2);
    let body = Bytes::from(gzip(&vec![b' '; 15 * MIB]));
    let sender = connect(victim).await;
    let streams = (0..STREAMS).map(async |_| {
        // All but the end of the stream of deflate.
        let begun =
            stream::iter([Ok::<_, tonic::Status>(Frame::data(body.slice(..body.len() - 8)))]);
        let request = Request::post(format!("{}/jobq/1/push", victim.url()))
            .header("authorization", authorization)
            .header("content-encoding", "gzip")
            .body(Body::new(StreamBody::new(begun.chain(stream::pending()))))
            .unwrap();
        let answer = timeout_at(end, sender.clone().send_request(request)).await;
        answer.ok().and_then(Result::ok).map(|answer| answer.status())
    });
    let codes = join_all(streams).await.into_iter().flatten().collect();
    sleep_until(end).await;
    codes
}

#[tokio::test]
async fn bodies_without_an_end() {
    for kind in StoreKind::ALL {
        let victim = Victim::start(kind, &[]).await;
        let attack = hold_bodies(&victim, "x");
        let (codes, report) = victim.under("150 bodies without an end, no key", attack).await;
        assert_eq!(codes, [StatusCode::UNAUTHORIZED; STREAMS]);
        report.assert_unharmed();
        let key = format!("Bearer {}", attackers_key(&victim).await);
        let attack = hold_bodies(&victim, &key);
        let (codes, report) = victim.under("150 bodies without an end, a good key", attack).await;
        let refused = [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::TOO_MANY_REQUESTS];
        assert!(codes.iter().all(|code| refused.contains(code)), "{codes:?}");
        report.assert_unharmed();
    }
}
