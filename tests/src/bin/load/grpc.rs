//! Pushes over gRPC: many clients, few connections.

use spiderq_proto::v1::{NewJob, PushJobsRequest, pushed_job};
use spiderq_tests::{Grpc, job_of};

use crate::{
    Target,
    push::Push,
    run::{Report, run},
};

/// The push that is made again and again.
fn request() -> PushJobsRequest {
    let metadata = [("spider_args", r#"{"url":"http://example.com/"}"#)];
    PushJobsRequest {
        project: 1,
        jobs: vec![NewJob {
            metadata_json: metadata.map(|(name, json)| (name.to_owned(), json.to_owned())).into(),
            ..job_of("spider")
        }],
        request_id: String::new(),
    }
}

/// One push, on a connection of its own.
pub(crate) async fn push_one(target: &Target) {
    caller(&Grpc::new(&target.url, &target.key))().await;
}

/// Measures pushes.
pub(crate) async fn push(args: &Push, pushes: usize, target: &Target) -> Report {
    let connections: Vec<Grpc> =
        (0..args.connections.max(1)).map(|_| Grpc::new(&target.url, &target.key)).collect();
    let mut connections = connections.iter().cycle();
    let connect = async || caller(connections.next().expect("a connection"));
    run(args.clients, pushes, target.pid, connect).await
}

fn caller(grpc: &Grpc) -> impl AsyncFnMut() + 'static {
    let (mut queue, request) = (grpc.queue(), request());
    async move || {
        let answer = queue.push_jobs(request.clone()).await.expect("an answer");
        let result = &answer.get_ref().results[0].result;
        assert!(matches!(result, Some(pushed_job::Result::Added(_))), "{result:?}");
    }
}
