//! A small HTTP/1.1 client: one request, one whole response. Knows no path of the service.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Calls one server, with one way of authentication.
#[derive(Clone, Debug)]
pub struct Http {
    base: String,
    authorization: Option<String>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Http {
    /// Calls `base` (`http://HOST:PORT`) without credentials.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            base: base.to_owned(),
            authorization: None,
            client: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// The same with Basic authentication: an API key and no password, or a job key and
    /// its token.
    #[must_use]
    pub fn basic(&self, user: &str, password: &str) -> Self {
        let credentials = BASE64.encode(format!("{user}:{password}"));
        self.with(Some(format!("Basic {credentials}")))
    }

    /// The same with a bearer key.
    #[must_use]
    pub fn bearer(&self, key: &str) -> Self {
        self.with(Some(format!("Bearer {key}")))
    }

    /// The same without credentials.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        self.with(None)
    }

    fn with(&self, authorization: Option<String>) -> Self {
        Self { authorization, ..self.clone() }
    }

    /// A GET.
    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, &[], "").await
    }

    /// A POST of JSON lines.
    pub async fn post(&self, path: &str, lines: impl Into<Bytes>) -> Response {
        self.send(Method::POST, path, &[], lines).await
    }

    /// A POST of a form, as `curl -d` sends it.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let content_type = (header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded");
        self.send(Method::POST, path, &[content_type], form).await
    }

    /// Any request.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response {
        let mut request =
            Request::builder().method(method.clone()).uri(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let response = self.client.request(request).await;
        let (head, body) =
            response.unwrap_or_else(|error| panic!("{method} {path}: {error:?}")).into_parts();
        Response {
            request: format!("{method} {path}"),
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.expect("a whole body").to_bytes(),
        }
    }

    /// As [`Http::post`], and `None` without a response: for servers that get killed.
    pub async fn try_post(&self, path: &str, lines: String) -> Option<Response> {
        self.try_send(path, &[], &lines).await
    }

    /// A POST, and `None` without a response: for networks that lose responses.
    pub async fn try_send(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Response> {
        let mut request = Request::post(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).ok()?;
        let (head, body) = self.client.request(request).await.ok()?.into_parts();
        Some(Response {
            request: format!("POST {path}"),
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.ok()?.to_bytes(),
        })
    }
}

/// A whole response.
#[derive(Clone, Debug)]
pub struct Response {
    request: String,
    /// The HTTP code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The same response, which must be a 200.
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{self}");
        self
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("a body of text")
    }

    /// The body as one JSON value.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// The body as JSON lines.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {self}"))
        };
        self.text().lines().map(parse).collect()
    }

    /// The field `name` of each line.
    #[must_use]
    pub fn column(&self, name: &str) -> Vec<Value> {
        self.lines().into_iter().map(|mut line| line[name].take()).collect()
    }

    /// A header's text; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a header of text"))
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = String::new();
        let body = String::from_utf8_lossy(&self.body);
        write!(shown, "{body:.2000}")?;
        write!(f, "{} -> {} {shown}", self.request, self.status)
    }
}
