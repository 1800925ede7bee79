//! One HTTP request, taken apart for the handlers: parameters, body and credentials, and
//! the way from there to a gRPC request.

use std::{mem, sync::Arc};

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, MatchedPath},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, request::Parts};
use percent_encoding::percent_decode_str;
use spiderq_core::{HeldMemory, Origin, Reservation, model::SpiderId};
use spiderq_proto::v1::SpiderRef;
use tonic::metadata::MetadataValue;

use crate::{
    accepted_values,
    auth::{self, API_KEY, Credentials, Presented},
    body::{self, Pieces},
    content_encoding::ContentEncoding,
    errors::{Family, Problem},
    form,
    list_format::ListFormat,
    middleware::{request_id::REQUEST_ID, timeout::BodyRead},
    params::{self, Params},
    services::App,
    spider_ref::{by_id, by_name},
};

/// A request whose body has been read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// Of the query; in the dash family also of the form. Without `apikey`.
    pub(crate) params: Params,
    pub(crate) headers: HeaderMap,
    path: Vec<(String, String)>,
    credentials: Credentials,
    /// `None` where no listener said it.
    origin: Option<Origin>,
    body: Bytes,
    /// What the body takes, until the response is there and all that was asked for is done.
    memory: HeldMemory,
}

impl Call {
    /// The gRPC request of `message`, with the caller's credentials and request id. A service in
    /// this process also learns where the call came from.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        if let Some(origin) = &self.origin {
            request.extensions_mut().insert(origin.clone());
        }
        request.extensions_mut().insert(self.memory.clone());
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.credentials.clone());
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
        match value.to_str() {
            // To a service no text means no id: the call would be made again and again.
            Ok("") | Err(_) => {
                Err(Problem::invalid("Idempotency-Key", &*accepted_values::REQUEST_ID))
            }
            Ok(text) => Ok(text.to_owned()),
        }
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

    /// The path's spider by its number; `None` where the route has none.
    pub(crate) fn spider(&self) -> Result<Option<SpiderRef>, Problem> {
        let number = self.optional_part("spider").map(|text| params::positive("spider", text));
        Ok(number.transpose()?.map(by_id))
    }

    /// The path's spider by its number, or by its name if the text is no spider's number.
    pub(crate) fn spider_ref(&self) -> Result<SpiderRef, Problem> {
        let text = self.part("spider")?;
        Ok(match SpiderId::parse(text) {
            Ok(number) => by_id(number.get().cast_signed()),
            Err(_) => by_name(text),
        })
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
        let presented = head.extensions.remove::<Presented>().unwrap_or_default();
        let has_form = head.method == Method::POST && Family::of(head.uri.path()) == Family::Dash;
        // Without credentials nothing is read, but for a form that may hold them.
        if presented.get().is_none() && !has_form {
            return Err(Problem::unauthenticated());
        }
        let encoding = ContentEncoding::of(&head.headers)?;
        let (mut body, memory) = Self::read_body(&head, (body, encoding), &presented, app).await?;
        if let Some(body_read) = head.extensions.get::<BodyRead>() {
            body_read.set();
        }
        let mut params = query(&head);
        if has_form {
            let mut form = form::read(&head.headers, mem::take(&mut body)).await;
            presented.add(auth::credentials(&head.headers, form.take(API_KEY).as_deref()));
            params.merge_form(form);
        }
        Self::of(head, &presented, params, (body, memory), app)
    }

    fn of(
        mut head: Parts,
        presented: &Presented,
        mut params: Params,
        (body, memory): (Bytes, Reservation),
        app: &Arc<App>,
    ) -> Result<Self, Problem> {
        let credentials = presented.get().cloned().ok_or_else(Problem::unauthenticated)?;
        let path = path_parts(&head)?;
        params.check()?;
        let (app, headers) = (Arc::clone(app), head.headers);
        let origin = head.extensions.remove();
        Ok(Self { app, params, headers, path, credentials, origin, body, memory: memory.into() })
    }

    /// The body, if the credentials are good. Where there are none yet, they may be in the body.
    async fn read_body(
        head: &Parts,
        (body, encoding): (Body, ContentEncoding),
        presented: &Presented,
        app: &App,
    ) -> Result<(Bytes, Reservation), Problem> {
        let memory = &app.options.memory;
        if body.is_end_stream() {
            return Ok((Bytes::new(), memory.account("")));
        }
        let Some(credentials) = presented.get() else {
            return body::read_keyless(body, encoding, memory.anonymous()).await;
        };
        let origin = head.extensions.get::<Origin>();
        let caller = app.known_callers.name_of(&app.services, credentials, origin).await?;
        let limit = body::limit(head.uri.path(), app.options.max_body);
        body::read(body, encoding, limit, memory.account(&caller)).await
    }
}

/// The parameters of the query. Credentials are no parameters.
fn query(head: &Parts) -> Params {
    let mut params = Params::parse(head.uri.query().unwrap_or_default().as_bytes());
    params.take(API_KEY);
    params
}

/// The parts of the path that its route names, percent-decoded.
fn path_parts(head: &Parts) -> Result<Vec<(String, String)>, Problem> {
    let route = head.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let mut rest = head.uri.path();
    let mut parts = Vec::new();
    for pattern in route.split('/') {
        let (segment, after) = rest.split_once('/').unwrap_or((rest, ""));
        if let Some(name) = pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            // `{*name}` is all that is left.
            let (name, text) = name.strip_prefix('*').map_or((name, segment), |name| (name, rest));
            let text = percent_decode_str(text).decode_utf8();
            let text = text.map_err(|_| Problem::invalid(name, accepted_values::UTF_8))?;
            parts.push((name.to_owned(), text.into_owned()));
        }
        rest = after;
    }
    Ok(parts)
}

/// A request whose body the handler reads as it comes. Its caller is known, so that nothing of the
/// body is taken from anybody else.
pub(crate) struct Upload {
    pub(crate) call: Call,
    pub(crate) pieces: Pieces,
    /// For what the handler holds of the body.
    pub(crate) memory: Reservation,
    body_read: Option<BodyRead>,
}

impl Upload {
    /// To be called when the body has been read: the response must come in time from then on.
    pub(crate) fn end(&self) {
        if let Some(body_read) = &self.body_read {
            body_read.set();
        }
    }

    async fn read(request: Request<Body>, app: &Arc<App>) -> Result<Self, Problem> {
        let (mut head, body) = request.into_parts();
        let presented = head.extensions.remove::<Presented>().unwrap_or_default();
        let credentials = presented.get().ok_or_else(Problem::unauthenticated)?;
        let encoding = ContentEncoding::of(&head.headers)?;
        let origin = head.extensions.get::<Origin>();
        let caller = app.known_callers.name_of(&app.services, credentials, origin).await?;
        let memory = app.options.memory.account(&caller);
        let body_read = head.extensions.get::<BodyRead>().cloned();
        let (params, no_body) = (query(&head), app.options.memory.account(""));
        let call = Call::of(head, &presented, params, (Bytes::new(), no_body), app)?;
        Ok(Self { call, pieces: Pieces::new(body, encoding), memory, body_read })
    }
}

impl FromRequest<Arc<App>> for Upload {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        Self::read(request, app).await.map_err(|problem| problem.into_response(Family::Storage))
    }
}

/// Finds the credentials of a request that no handler takes, so that it is refused only to a
/// caller with valid ones. They may be in its form.
pub(crate) async fn find_credentials(request: Request<Body>, app: &Arc<App>) {
    let presented = request.extensions().get::<Presented>();
    if presented.is_some_and(|presented| presented.get().is_none()) {
        // Whether the rest of the request can be read does not matter.
        let _ = Call::read(request, app).await;
    }
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
    use crate::{known_callers::KnownCallers, services::Options};
    use spiderq_core::MemoryBudget;

    #[tokio::test]
    async fn it_is_a_bug_to_ask_for_a_part_that_the_route_does_not_have() {
        let channel = Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        let services = crate::upstream(channel);
        let call = Call {
            app: Arc::new(App {
                services,
                options: Options::default(),
                known_callers: KnownCallers::default(),
            }),
            params: Params::default(),
            headers: HeaderMap::new(),
            path: vec![("project".to_owned(), "53".to_owned())],
            credentials: MetadataValue::from_static("Basic SzpL"),
            origin: None,
            body: Bytes::new(),
            memory: MemoryBudget::unlimited().account("").into(),
        };
        assert_eq!(call.project().unwrap(), 53);
        assert_eq!(call.optional_part("state"), None);
        assert_eq!(call.spider().unwrap(), None);
        for problem in [call.part("state").unwrap_err(), call.job_key().unwrap_err()] {
            assert_eq!(problem.into_response(Family::Dash).status(), 500);
        }
    }
}
