//! A fake of the services, which records requests and gives prepared responses, and a small HTTP
//! client.

mod output;
mod queue;

use std::{
    any::Any,
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::Body;
use futures::{StreamExt as _, stream, stream::BoxStream};
use http::{HeaderMap, Request as HttpRequest, StatusCode};
use http_body_util::BodyExt as _;
use spiderq_core::MemoryBudget;
use spiderq_gateway::{Options, Services, router};
use spiderq_proto::v1::*;
use tonic::{Request, Response, Status, metadata::MetadataMap};
use tower::ServiceExt as _;

type Boxed = Box<dyn Any + Send>;
type Stream<R> = BoxStream<'static, Result<R, Status>>;
pub(crate) type Pages = Stream<ReadOutputResponse>;
pub(crate) type Rows = Stream<ListQueueResponse>;

#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    requests: Vec<Boxed>,
    metadata: Vec<MetadataMap>,
    responses: VecDeque<Boxed>,
    identity: Option<Result<GetIdentityResponse, Status>>,
}

impl Fake {
    /// Prepares the response to the next call; a call without one gets an empty message.
    pub(crate) fn responds<T: Send + 'static>(self, message: T) -> Self {
        self.0.lock().unwrap().responses.push_back(Box::new(message));
        self
    }

    /// Prepares the response to the next GetIdentity.
    pub(crate) fn identifies(self, identity: Result<GetIdentityResponse, Status>) -> Self {
        self.0.lock().unwrap().identity = Some(identity);
        self
    }

    /// The only request so far.
    pub(crate) fn request<T: Clone + 'static>(&self) -> T {
        let all = self.requests::<T>();
        assert_eq!(all.len(), 1, "calls");
        all[0].clone()
    }

    /// The first of several.
    pub(crate) fn first_request<T: Clone + 'static>(&self) -> T {
        let state = self.0.lock().unwrap();
        state.requests[0].downcast_ref::<T>().expect("another message").clone()
    }

    /// The last of several.
    pub(crate) fn last_request<T: Clone + 'static>(&self) -> T {
        let state = self.0.lock().unwrap();
        state.requests.last().unwrap().downcast_ref::<T>().expect("another message").clone()
    }

    pub(crate) fn requests<T: Clone + 'static>(&self) -> Vec<T> {
        let state = self.0.lock().unwrap();
        let requests = state.requests.iter();
        requests.map(|one| one.downcast_ref::<T>().expect("another message").clone()).collect()
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.lock().unwrap().requests.len()
    }

    /// Metadata of the last call.
    pub(crate) fn metadata(&self) -> MetadataMap {
        self.0.lock().unwrap().metadata.last().unwrap().clone()
    }

    fn call<Q: Send + 'static>(&self, request: Request<Q>) -> Option<Boxed> {
        let mut state = self.0.lock().unwrap();
        state.metadata.push(request.metadata().clone());
        state.requests.push(Box::new(request.into_inner()));
        state.responses.pop_front()
    }

    fn respond<Q, R>(&self, request: Request<Q>) -> Result<Response<R>, Status>
    where
        Q: Send + 'static,
        R: Default + 'static,
    {
        let Some(response) = self.call(request) else {
            return Ok(Response::new(R::default()));
        };
        match response.downcast::<R>() {
            Ok(message) => Ok(Response::new(*message)),
            Err(other) => Err(*other.downcast::<Status>().expect("another response")),
        }
    }

    /// A stream of the messages that were prepared as a list or as a stream.
    fn stream<Q, R>(&self, request: Request<Q>) -> Result<Response<Stream<R>>, Status>
    where
        Q: Send + 'static,
        R: Send + 'static,
    {
        let Some(response) = self.call(request) else {
            return Ok(Response::new(stream::empty().boxed()));
        };
        let response = match response.downcast::<Vec<Result<R, Status>>>() {
            Ok(messages) => return Ok(Response::new(stream::iter(*messages).boxed())),
            Err(other) => other,
        };
        match response.downcast::<Stream<R>>() {
            Ok(messages) => Ok(Response::new(*messages)),
            Err(other) => Err(*other.downcast::<Status>().expect("another response")),
        }
    }

    pub(crate) fn services(&self) -> Services {
        Services {
            jobs: Arc::new(self.clone()),
            queue: Arc::new(self.clone()),
            output: Arc::new(self.clone()),
            projects: Arc::new(self.clone()),
            runners: Arc::new(self.clone()),
            api_keys: Arc::new(self.clone()),
        }
    }

    /// Sends a request to a gateway that calls this fake.
    pub(crate) async fn send(&self, request: HttpRequest<Body>) -> http::Response<Body> {
        let options = Options {
            public_url: "http://spiderq.test:6900/".to_owned(),
            max_body: 1 << 20,
            memory: MemoryBudget::unlimited(),
            timeout: Duration::from_millis(200),
            ..Options::default()
        };
        router(self.services(), options).oneshot(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.with("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Reply {
        self.with("POST", path, &[], body.to_owned()).await
    }

    /// Any method, with headers. Adds credentials if the test gives none.
    pub(crate) async fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = HttpRequest::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let has_credentials = headers.iter().any(|(name, _)| *name == "authorization");
        if !has_credentials && !path.contains("apikey=") {
            request = request.header("authorization", "Basic SzpL");
        }
        self.reply(request.body(body.into()).unwrap()).await
    }

    /// The whole response to a request, which is sent as it is.
    pub(crate) async fn reply(&self, request: HttpRequest<Body>) -> Reply {
        Reply::of(self.send(request).await).await
    }
}

/// A response whose body has been read.
pub(crate) struct Reply {
    pub(crate) code: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) async fn of(response: http::Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { code: head.status, headers: head.headers, bytes: body.to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn code_and_body(&self) -> (u16, &str) {
        (self.code.as_u16(), std::str::from_utf8(&self.bytes).unwrap())
    }
}

#[tonic::async_trait]
impl project_service_server::ProjectService for Fake {
    async fn list_projects(
        &self,
        request: Request<ListProjectsRequest>,
    ) -> Result<Response<ListProjectsResponse>, Status> {
        self.respond(request)
    }
    async fn summarize_projects(
        &self,
        request: Request<SummarizeProjectsRequest>,
    ) -> Result<Response<SummarizeProjectsResponse>, Status> {
        self.respond(request)
    }
    async fn list_spiders(
        &self,
        request: Request<ListSpidersRequest>,
    ) -> Result<Response<ListSpidersResponse>, Status> {
        self.respond(request)
    }
    async fn get_spider(
        &self,
        request: Request<GetSpiderRequest>,
    ) -> Result<Response<GetSpiderResponse>, Status> {
        self.respond(request)
    }
    async fn ensure_spider(
        &self,
        request: Request<EnsureSpiderRequest>,
    ) -> Result<Response<EnsureSpiderResponse>, Status> {
        self.respond(request)
    }
    async fn update_spider(
        &self,
        request: Request<UpdateSpiderRequest>,
    ) -> Result<Response<UpdateSpiderResponse>, Status> {
        self.respond(request)
    }
    async fn get_project_settings(
        &self,
        request: Request<GetProjectSettingsRequest>,
    ) -> Result<Response<GetProjectSettingsResponse>, Status> {
        self.respond(request)
    }
    async fn update_project_settings(
        &self,
        request: Request<UpdateProjectSettingsRequest>,
    ) -> Result<Response<UpdateProjectSettingsResponse>, Status> {
        self.respond(request)
    }
    async fn get_server_time(
        &self,
        request: Request<GetServerTimeRequest>,
    ) -> Result<Response<GetServerTimeResponse>, Status> {
        self.respond(request)
    }
}

#[tonic::async_trait]
impl runner_service_server::RunnerService for Fake {
    async fn list_runners(
        &self,
        request: Request<ListRunnersRequest>,
    ) -> Result<Response<ListRunnersResponse>, Status> {
        self.respond(request)
    }
}

#[tonic::async_trait]
impl api_key_service_server::ApiKeyService for Fake {
    async fn create_session(
        &self,
        request: Request<CreateSessionRequest>,
    ) -> Result<Response<CreateSessionResponse>, Status> {
        self.respond(request)
    }
    /// Accepts every API key, unless a test says otherwise. Most calls are not made by a route but
    /// by the check of credentials, so they are not recorded.
    async fn get_identity(
        &self,
        _: Request<GetIdentityRequest>,
    ) -> Result<Response<GetIdentityResponse>, Status> {
        let mut state = self.0.lock().unwrap();
        match state.identity.take() {
            Some(identity) => identity.map(Response::new),
            None => Ok(Response::new(GetIdentityResponse::default())),
        }
    }
}

#[tonic::async_trait]
impl job_service_server::JobService for Fake {
    async fn schedule_job(
        &self,
        request: Request<ScheduleJobRequest>,
    ) -> Result<Response<ScheduleJobResponse>, Status> {
        self.respond(request)
    }
    async fn get_job(
        &self,
        request: Request<GetJobRequest>,
    ) -> Result<Response<GetJobResponse>, Status> {
        self.respond(request)
    }
    async fn list_jobs(
        &self,
        request: Request<ListJobsRequest>,
    ) -> Result<Response<ListJobsResponse>, Status> {
        self.respond(request)
    }
    async fn count_jobs(
        &self,
        request: Request<CountJobsRequest>,
    ) -> Result<Response<CountJobsResponse>, Status> {
        self.respond(request)
    }
    async fn update_jobs(
        &self,
        request: Request<UpdateJobsRequest>,
    ) -> Result<Response<UpdateJobsResponse>, Status> {
        self.respond(request)
    }
    async fn stop_jobs(
        &self,
        request: Request<StopJobsRequest>,
    ) -> Result<Response<StopJobsResponse>, Status> {
        self.respond(request)
    }
    async fn delete_jobs(
        &self,
        request: Request<DeleteJobsRequest>,
    ) -> Result<Response<DeleteJobsResponse>, Status> {
        self.respond(request)
    }
    async fn restore_jobs(
        &self,
        request: Request<RestoreJobsRequest>,
    ) -> Result<Response<RestoreJobsResponse>, Status> {
        self.respond(request)
    }
    async fn set_job_metadata(
        &self,
        request: Request<SetJobMetadataRequest>,
    ) -> Result<Response<SetJobMetadataResponse>, Status> {
        self.respond(request)
    }
    async fn delete_job_metadata(
        &self,
        request: Request<DeleteJobMetadataRequest>,
    ) -> Result<Response<DeleteJobMetadataResponse>, Status> {
        self.respond(request)
    }
    async fn purge_job(
        &self,
        request: Request<PurgeJobRequest>,
    ) -> Result<Response<PurgeJobResponse>, Status> {
        self.respond(request)
    }
    async fn get_job_token(
        &self,
        request: Request<GetJobTokenRequest>,
    ) -> Result<Response<GetJobTokenResponse>, Status> {
        self.respond(request)
    }
}
