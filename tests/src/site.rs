//! A small web site on the loopback interface for real spiders, which records the paths that are
//! requested.

use std::{convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::wait::TIMEOUT;

/// A site. Gone when dropped.
///
/// `/1` to `/3` list two books each; `/1` links to `/2` and `/3`, `/2` back to `/1`, `/3` to `/4`,
/// which is not there. `/endless/N` links to `/endless/N+1`.
#[derive(Debug)]
pub struct Site {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    asked: watch::Receiver<Vec<String>>,
    task: JoinHandle<()>,
}

impl Site {
    /// Serves on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let (sender, asked) = watch::channel(Vec::new());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let path = request.uri().path().to_owned();
                    let answer = page(&path);
                    sender.send_modify(|asked| asked.push(path));
                    async { Ok::<_, Infallible>(answer) }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { url: format!("http://{address}"), asked, task }
    }

    /// The requested paths, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }

    /// Waits until `path` has been requested.
    pub async fn asked_for(&self, path: &str) {
        let mut asked = self.asked.clone();
        let seen = asked.wait_for(|asked| asked.iter().any(|one| one == path));
        let seen = tokio::time::timeout(TIMEOUT, seen).await;
        assert!(seen.is_ok(), "nobody asks for {path}");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn page(path: &str) -> Response<Full<Bytes>> {
    let link = |to: &str| format!("<a href=\"{to}\">on</a>");
    let links = match path {
        "/1" => link("/2") + &link("/3"),
        "/2" => link("/1"),
        "/3" => link("/4"),
        other => match other.strip_prefix("/endless/").map(str::parse::<u64>) {
            Some(Ok(number)) => link(&format!("/endless/{}", number + 1)),
            Some(Err(_)) | None => String::new(),
        },
    };
    let books = format!("<ul><li>a of {path}</li><li>b of {path}</li></ul>");
    let status = match links.is_empty() {
        true => StatusCode::NOT_FOUND,
        false => StatusCode::OK,
    };
    let body = format!("<html><body>{books}{links}</body></html>");
    Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8")
        .body(Full::from(body))
        .expect("a response")
}
