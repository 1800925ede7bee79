//! Pushes over HTTP/1.1: each client keeps one connection alive.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1,
    header::{AUTHORIZATION, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{
    Target,
    push::Push,
    run::{Report, run},
};

/// The push that is made again and again: the same as over gRPC.
const LINE: &str = r#"{"spider":"spider","spider_args":{"url":"http://example.com/"}}"#;

/// Measures pushes.
pub(crate) async fn push(args: &Push, pushes: usize, target: &Target) -> Report {
    let address = target.url.trim_start_matches("http://").to_owned();
    let credentials = BASE64.encode(format!("{}:", target.key));
    let authorization = format!("Basic {credentials}");
    let connect = async || {
        let stream = TcpStream::connect(&address).await.expect("a connection");
        stream.set_nodelay(true).expect("an open socket");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let (address, authorization) = (address.clone(), authorization.clone());
        async move || {
            let request = Request::post("/jobq/1/push")
                .header(HOST, &address)
                .header(AUTHORIZATION, &authorization)
                .body(Full::new(Bytes::from_static(LINE.as_bytes())))
                .expect("a request");
            sender.ready().await.expect("an open connection");
            let answer = sender.send_request(request).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK);
            let body = answer.collect().await.expect("a whole body").to_bytes();
            assert!(body.starts_with(br#"{"key":"#), "{body:?}");
        }
    };
    run(args.clients, pushes, target.pid, connect).await
}
