//! The only server is away for longer than a lease: its workers go on when it is back.

use spiderq_proto::v1::{HeartbeatRequest, StartJobRequest, StartJobResponse};
use spiderq_tests::{
    Grpc, Preload, Program, Stack, eventually, ms, redis_server::RedisServer, span, sqlite_url,
};

use crate::push;

const PROJECT: i64 = 7;
const LEASE_MS: i64 = 1_000;

async fn start(grpc: &Grpc) -> StartJobResponse {
    push(grpc, PROJECT, 1).await;
    let request =
        StartJobRequest { project: PROJECT, lease: span(LEASE_MS), ..StartJobRequest::default() };
    grpc.queue().start_job(request).await.unwrap().into_inner()
}

/// The worker's next heartbeat is accepted.
async fn goes_on(grpc: &Grpc, started: &StartJobResponse) {
    let request = HeartbeatRequest {
        key: started.job.as_ref().unwrap().key.clone(),
        fence: started.fence.clone(),
        lease: span(60_000),
        counters: None,
    };
    grpc.queue().heartbeat(request).await.expect("the job is still this worker's");
}

/// An hour passes while the server is away.
#[tokio::test]
async fn a_worker_keeps_its_job_while_its_server_on_sqlite_is_away() {
    let clock = Preload::clock();
    let store = sqlite_url(clock.folder());
    let mut server = clock.serve(&store, &[]);
    let started = start(&Grpc::new(&server.url, Stack::KEY)).await;
    server.kill();
    clock.say("3600");
    let server = clock.serve(&store, &[]);
    goes_on(&Grpc::new(&server.url, Stack::KEY), &started).await;
}

/// The time of Redis can't be set: its note of the last round is put back instead.
#[tokio::test]
async fn a_worker_keeps_its_job_while_all_servers_on_redis_are_away() {
    let redis = RedisServer::start(&[]);
    let mut server = Program::serve(&redis.url(), &[]);
    let started = start(&Grpc::new(&server.url, Stack::KEY)).await;
    server.kill();
    let lease_end = ms(started.lease_expire_time);
    eventually("the lease does not end", async || {
        let (seconds, micros): (i64, i64) = redis.command(&["TIME"]);
        (seconds * 1_000 + micros / 1_000 >= lease_end).then_some(())
    })
    .await;
    let last = (lease_end - 20_000).to_string();
    redis.command::<()>(&["HSET", "sq:{config}", "last_round", &last]);
    let server = Program::serve(&redis.url(), &[]);
    goes_on(&Grpc::new(&server.url, Stack::KEY), &started).await;
}
