//! How watches end: at a shutdown, for a slow reader, for one whose token has become invalid;
//! each says at which cursor to continue. And a watch over gRPC-Web.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use prost::Message as _;
use spiderq_proto::v1::{
    JobState, NewJob, PushJobsRequest, WatchJobsRequest, WatchJobsResponse,
    job_service_client::JobServiceClient,
};
use spiderq_tests::{Grpc, Program, Stack, StoreKind, job_of, sqlite_url};
use tonic::{Code, Status, transport::Endpoint};
use tonic_types::StatusExt as _;

use crate::watch::{Events, after, all, begins, entered, key_of, live, post, reason, take, watch};

/// The rest of a stream: its events, and the status with which it ended.
async fn rest(events: &mut Events) -> (Vec<WatchJobsResponse>, Status) {
    let mut all = Vec::new();
    loop {
        match events.message().await {
            Ok(Some(event)) => all.push(event),
            Ok(None) => panic!("a watch without a status"),
            Err(status) => return (all, status),
        }
    }
}

#[tokio::test]
async fn a_shutdown_ends_a_watch_and_another_server_continues_at_its_cursor() {
    let mut one = Stack::start(StoreKind::Redis).await;
    let other = one.another().await;
    let (mut events, begin) = watch(&one.grpc(), all()).await.unwrap();
    let expected = live(&other.http()).await;
    let (first, cursor) = take(&mut events, 3).await;
    assert_eq!(first, expected[..3]);
    assert_ne!(cursor, begin);
    take(&mut events, expected.len() - 3).await;
    let ending = tokio::spawn(one.running.take().unwrap().shutdown());
    let (more, status) = rest(&mut events).await;
    assert_eq!(more, []);
    assert_eq!(reason(&status), (Code::Unavailable, "SHUTTING_DOWN".to_owned()));
    assert_eq!(status.message(), "the server is stopping, resume at the cursor");
    ending.await.unwrap();
    let info = status.get_details_error_info().unwrap();
    let (mut events, _) = watch(&other.grpc(), after(&info.metadata["cursor"])).await.unwrap();
    post(&other.http(), "/jobq/53/push", "{\"spider\":\"c\"}").await;
    let (next, _) = take(&mut events, 1).await;
    assert_eq!(next, [entered("53/3/1", JobState::Unspecified, JobState::Pending)]);
}

/// Rows of two KiB, more than what lies between the server and a reader that does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_of_a_slow_reader_ends_and_continues_from_its_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite_url(folder.path());
    let mut program = Program::serve(&store, &["--log", "info,spiderq_service=debug"]);
    let endpoint = Endpoint::from_shared(program.url.clone()).unwrap();
    let channel = endpoint.initial_stream_window_size(65_535).connect_lazy();
    let mut jobs = JobServiceClient::new(channel);
    let mut request = tonic::Request::new(all());
    let bearer = format!("Bearer {}", Stack::KEY).parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let mut events = jobs.watch_jobs(request).await.unwrap().into_inner();
    let grpc = Grpc::new(&program.url, Stack::KEY);
    for _ in 0..2 {
        let job = NewJob {
            metadata_json: [("version".to_owned(), format!("\"{}\"", "v".repeat(2_000)))].into(),
            ..job_of("s")
        };
        let request =
            PushJobsRequest { project: 53, jobs: vec![job; 500], ..PushJobsRequest::default() };
        grpc.queue().push_jobs(request).await.unwrap();
    }
    program.wait_for("no event was taken for 10 s");
    let (told, status) = rest(&mut events).await;
    let expected = (Code::ResourceExhausted, "SLOW_READER".to_owned());
    assert_eq!(reason(&status), expected);
    assert!(begins(&told[0]));
    let number = told.len() - 1;
    assert!((100..900).contains(&number), "{number}");
    let keys = told[1..].iter().map(key_of);
    let expected = (1..=number).map(|number| format!("53/1/{number}"));
    assert!(keys.eq(expected));
    let info = status.get_details_error_info().unwrap();
    let cursor = &info.metadata["cursor"];
    assert_eq!(cursor, &told[number].cursor);
    let (mut events, _) = watch(&grpc, after(cursor)).await.unwrap();
    let (rest, _) = take(&mut events, 1_000 - number).await;
    let expected = (number + 1..=1_000).map(|number| format!("53/1/{number}"));
    assert!(rest.iter().map(|told| told.key().to_owned()).eq(expected));
}

/// The token is checked again after 15 s; the last events of its job come before that.
#[tokio::test]
async fn a_watch_ends_when_its_token_is_no_longer_valid() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let http = stack.http();
    post(&http, "/jobq/53/push", "{\"spider\":\"a\"}").await;
    let started = http.post("/jobq/53/startjob", "{}").await.ok();
    let token = started.column("auth").remove(0);
    let basic = STANDARD.encode(format!("53/1/1:{}", token.as_str().unwrap()));
    let grpc = stack.grpc().with_authorization(&format!("Basic {basic}"));
    let own = WatchJobsRequest { key: "53/1/1".to_owned(), ..all() };
    let (mut events, _) = watch(&grpc, own).await.unwrap();
    post(&http, "/jobq/53/update", r#"{"key":"53/1/1","state":"finished"}"#).await;
    let (told, _) = take(&mut events, 1).await;
    assert_eq!(told, [entered("53/1/1", JobState::Running, JobState::Finished)]);
    let (more, status) = rest(&mut events).await;
    assert_eq!(more, []);
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_watch_over_grpc_web_sends_each_event_as_it_happens() {
    let stack = Stack::start(StoreKind::Sqlite).await;
    let message = all().encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let request = Request::post(format!("{}/spiderq.v1.JobService/WatchJobs", stack.url))
        .header("content-type", "application/grpc-web+proto")
        .header("authorization", format!("Bearer {}", stack.key))
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut answer = client.request(request).await.unwrap().into_body();
    let mut bytes = Vec::new();
    let mut next = async || {
        loop {
            let length = bytes
                .get(1..5)
                .map_or(0, |length: &[u8]| u32::from_be_bytes(length.try_into().unwrap()) as usize);
            if bytes.len() >= 5 + length && length > 0 {
                let rest = bytes.split_off(5 + length);
                let frame = std::mem::replace(&mut bytes, rest);
                return WatchJobsResponse::decode(&frame[5..]).unwrap();
            }
            let frame = answer.frame().await.unwrap().unwrap();
            bytes.extend_from_slice(&frame.into_data().unwrap());
        }
    };
    assert!(begins(&next().await));
    for number in 1..=3 {
        post(&stack.http(), "/jobq/53/push", "{\"spider\":\"a\"}").await;
        assert_eq!(key_of(&next().await), format!("53/1/{number}"));
    }
}
