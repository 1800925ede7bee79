//! One HTTP request, taken apart for the handlers: parameters, body and credentials, and
//! the way from there to a gRPC request.

use std::{io, sync::Arc};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts as _, RawPathParams},
    response::Response,
};
use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::metadata::{Ascii, MetadataValue};

use crate::{
    auth,
    errors::{Family, Problem},
    negotiation::Form,
    params::{self, Params},
    patience::Received,
    services::App,
};

/// Names a request in answers, logs and gRPC metadata.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// A request, its body read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// Of the query; in the dash family also of the form. Without `?apikey=`.
    pub(crate) params: Params,
    path: Vec<(String, String)>,
    headers: HeaderMap,
    credentials: Option<MetadataValue<Ascii>>,
    body: Bytes,
}

impl Call {
    /// The gRPC request of `message`, in the caller's name.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let metadata = request.metadata_mut();
        if let Some(credentials) = &self.credentials {
            metadata.insert("authorization", credentials.clone());
        }
        if let Some(id) = self.headers.get(REQUEST_ID)
            && let Ok(id) = MetadataValue::try_from(id.as_bytes())
        {
            metadata.insert(REQUEST_ID, id);
        }
        request
    }

    /// `Idempotency-Key`; empty when there is none.
    pub(crate) fn request_id(&self) -> Result<String, Problem> {
        let Some(value) = self.headers.get("idempotency-key") else {
            return Ok(String::new());
        };
        let text = value.to_str();
        text.map(str::to_owned)
            .map_err(|_| Problem::invalid("Idempotency-Key", "must be ASCII text"))
    }

    /// A part of the path by its name in the route table, percent-decoded.
    pub(crate) fn part(&self, name: &str) -> &str {
        let part = self.path.iter().find(|(known, _)| known == name);
        part.map_or("", |(_, value)| value)
    }

    /// The project of the path.
    pub(crate) fn project(&self) -> Result<i64, Problem> {
        params::project(self.part("project"))
    }

    /// The number of the path's spider; 0 where the path names none.
    pub(crate) fn spider(&self) -> Result<i64, Problem> {
        match self.part("spider") {
            "" => Ok(0),
            text => params::spider(text),
        }
    }

    /// The job key of the path.
    pub(crate) fn key(&self) -> String {
        let [project, spider, job] = ["project", "spider", "job"].map(|name| self.part(name));
        format!("{project}/{spider}/{job}")
    }

    /// The body as text, whatever its content type says.
    pub(crate) fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.body).map_err(|_| Problem::invalid("body", "must be UTF-8"))
    }

    /// The headers of the request.
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The form of list that was asked for.
    pub(crate) fn form(&self) -> Result<Form, Problem> {
        Form::asked(&self.params, &self.headers)
    }

    /// Adds the body's form to the parameters.
    fn read_form(&mut self) -> Result<(), Problem> {
        let kind = self.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
        let kind = kind.unwrap_or(FORM).to_ascii_lowercase();
        if !self.body.is_empty() && !kind.starts_with(FORM) {
            return Err(Problem::invalid("body", "must be application/x-www-form-urlencoded"));
        }
        let mut form = Params::parse(&self.body);
        let apikey = form.take("apikey");
        if self.credentials.is_none() {
            self.credentials = auth::credentials(&self.headers, apikey.as_deref());
        }
        self.params.extend(form);
        Ok(())
    }

    async fn read(request: Request<Body>, app: &Arc<App>) -> Result<Self, Problem> {
        let (mut head, body) = request.into_parts();
        check_encoding(&head.headers)?;
        let path = RawPathParams::from_request_parts(&mut head, app)
            .await
            .map_err(|_| Problem::invalid("path", "must be UTF-8"))?;
        let mut params = Params::parse(head.uri.query().unwrap_or_default().as_bytes());
        let apikey = params.take("apikey");
        let credentials = auth::credentials(&head.headers, apikey.as_deref());
        let form = head.method == Method::POST && Family::of(head.uri.path()) == Family::Dash;
        // Who says nothing of himself learns nothing of what is accepted.
        if credentials.is_none() && !form {
            return Err(Problem::unauthorized());
        }
        let mut call = Self {
            app: app.clone(),
            params,
            path: path.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            credentials,
            headers: head.headers,
            body: collect(body, app.options.max_body).await?,
        };
        if let Some(received) = head.extensions.get::<Received>() {
            received.tell();
        }
        if form {
            call.read_form()?;
        }
        if call.credentials.is_none() {
            return Err(Problem::unauthorized());
        }
        Ok(call)
    }
}

/// What was decompressed has lost this header.
fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(CONTENT_ENCODING).map(http::HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Encoding: must be gzip or identity",
        )),
    }
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("body: must be at most {limit} bytes"),
        )),
        Err(error) if is_late(&*error) => {
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body: must not make pauses"))
        }
        Err(_) => Err(Problem::invalid("body", "could not be read or decompressed")),
    }
}

/// The listener ends a body that does not come on with an I/O error of this kind.
fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
    })
}

impl FromRequest<Arc<App>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        let family = Family::of(request.uri().path());
        let call = Self::read(request, app).await;
        call.map_err(|problem| problem.answer(family))
    }
}
