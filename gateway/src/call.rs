//! One HTTP request, taken apart for the handlers: parameters, body and credentials, and
//! the way from there to a gRPC request.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts as _, RawPathParams},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header::CONTENT_TYPE, request::Parts};
use spiderq_core::model::SpiderId;
use spiderq_proto::v1::{SpiderRef, spider_ref};
use tonic::metadata::{Ascii, MetadataValue};

use crate::{
    auth, body,
    errors::{Family, Problem},
    list_format::ListFormat,
    middleware::{request_id::REQUEST_ID, timeout::BodyRead},
    params::{self, Params},
    services::App,
};

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// A request whose body has been read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// Of the query; in the dash family also of the form. Without `apikey`.
    pub(crate) params: Params,
    pub(crate) headers: HeaderMap,
    path: Vec<(String, String)>,
    credentials: Option<MetadataValue<Ascii>>,
    body: Bytes,
}

impl Call {
    /// The gRPC request of `message`, with the caller's credentials and request id.
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
    pub(crate) fn idempotency_key(&self) -> Result<String, Problem> {
        let Some(value) = self.headers.get("idempotency-key") else {
            return Ok(String::new());
        };
        let text = value.to_str().map(str::to_owned);
        text.map_err(|_| Problem::invalid("Idempotency-Key", "must be ASCII text"))
    }

    /// A part of the path by its name in the route table, percent-decoded. It is a bug to ask
    /// for one that the route does not have.
    pub(crate) fn part(&self, name: &str) -> Result<&str, Problem> {
        let bug = || Problem::bug(format_args!("the path of the route has no {name}"));
        self.optional_part(name).ok_or_else(bug)
    }

    /// The same for a handler of several routes, some of which do not have that part.
    pub(crate) fn optional_part(&self, name: &str) -> Option<&str> {
        let mut parts = self.path.iter();
        parts.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn project(&self) -> Result<i64, Problem> {
        params::positive("project", self.part("project")?)
    }

    /// The number of the path's spider; 0 where the route has none.
    pub(crate) fn spider(&self) -> Result<i64, Problem> {
        self.optional_part("spider").map_or(Ok(0), |text| params::positive("spider", text))
    }

    /// The path's spider by its number, or by its name if the text is no spider's number.
    pub(crate) fn spider_ref(&self) -> Result<SpiderRef, Problem> {
        let text = self.part("spider")?;
        let spider = match SpiderId::parse(text) {
            Ok(number) => spider_ref::Spider::Id(number.get().cast_signed()),
            Err(_) => spider_ref::Spider::Name(text.to_owned()),
        };
        Ok(SpiderRef { spider: Some(spider) })
    }

    pub(crate) fn job_key(&self) -> Result<String, Problem> {
        let (project, spider) = (self.part("project")?, self.part("spider")?);
        Ok(format!("{project}/{spider}/{}", self.part("job")?))
    }

    /// The body as text. Its content type does not matter in the storage family.
    pub(crate) fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.body).map_err(|_| Problem::invalid("body", "must be UTF-8"))
    }

    pub(crate) fn list_format(&self) -> Result<ListFormat, Problem> {
        ListFormat::negotiate(&self.params, &self.headers)
    }

    async fn read(request: Request<Body>, app: &Arc<App>) -> Result<Self, Problem> {
        let (mut head, body) = request.into_parts();
        body::check_encoding(&head.headers)?;
        let path = path_parts(&mut head, app).await?;
        let mut params = Params::parse(head.uri.query().unwrap_or_default().as_bytes());
        let api_key = params.take("apikey");
        let credentials = auth::credentials(&head.headers, api_key.as_deref());
        let has_form = head.method == Method::POST && Family::of(head.uri.path()) == Family::Dash;
        // An unauthenticated caller gets 401, not a validation error; a form may hold the key.
        if credentials.is_none() && !has_form {
            return Err(Problem::unauthenticated());
        }
        let body = body::read(body, app.options.max_body).await?;
        if let Some(body_read) = head.extensions.get::<BodyRead>() {
            body_read.set();
        }
        let app = Arc::clone(app);
        let mut call = Self { app, params, headers: head.headers, path, credentials, body };
        if has_form {
            call.read_form()?;
        }
        match call.credentials {
            Some(_) => Ok(call),
            None => Err(Problem::unauthenticated()),
        }
    }

    /// Adds the form in the body to the parameters.
    fn read_form(&mut self) -> Result<(), Problem> {
        let content_type = self.headers.get(CONTENT_TYPE).map_or(FORM, HeaderValue::as_bytes);
        if !self.body.is_empty() && !content_type.to_ascii_lowercase().starts_with(FORM) {
            return Err(Problem::invalid("body", "must be application/x-www-form-urlencoded"));
        }
        let mut form = Params::parse(&self.body);
        let api_key = form.take("apikey");
        if self.credentials.is_none() {
            self.credentials = auth::credentials(&self.headers, api_key.as_deref());
        }
        self.params.extend(form);
        Ok(())
    }
}

async fn path_parts(head: &mut Parts, app: &Arc<App>) -> Result<Vec<(String, String)>, Problem> {
    let parts = RawPathParams::from_request_parts(head, app).await;
    let parts = parts.map_err(|_| Problem::invalid("path", "must be UTF-8"))?;
    Ok(parts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

impl FromRequest<Arc<App>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        let family = Family::of(request.uri().path());
        Self::read(request, app).await.map_err(|problem| problem.into_response(family))
    }
}

#[cfg(test)]
mod tests {
    use tonic::transport::Endpoint;

    use super::*;
    use crate::services::Options;

    #[tokio::test]
    async fn it_is_a_bug_to_ask_for_a_part_that_the_route_does_not_have() {
        let channel = Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        let services = crate::upstream(channel);
        let call = Call {
            app: Arc::new(App { services, options: Options::default() }),
            params: Params::default(),
            headers: HeaderMap::new(),
            path: vec![("project".to_owned(), "53".to_owned())],
            credentials: None,
            body: Bytes::new(),
        };
        assert_eq!(call.project().unwrap(), 53);
        assert_eq!(call.optional_part("state"), None);
        assert_eq!(call.spider().unwrap(), 0);
        for problem in [call.part("state").unwrap_err(), call.job_key().unwrap_err()] {
            assert_eq!(problem.into_response(Family::Dash).status(), 500);
        }
    }
}
