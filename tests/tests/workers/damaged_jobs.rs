//! Jobs whose records cannot be read: they are kept, and hold up no others.

use spiderq_core::{Clock as _, SystemClock};
use spiderq_proto::v1::StartJobRequest;
use spiderq_tests::{Grpc, Stack, StoreKind, eventually, span};

use crate::{push, take};

const PROJECT: i64 = 7;
/// More than a reaper looks at in one step.
const DAMAGED: usize = 150;
/// ms. Each is damaged before its lease ends, on a busy machine.
const LEASE: i64 = 10_000;

async fn start(grpc: &Grpc, lease_ms: i64) -> String {
    let request =
        StartJobRequest { project: PROJECT, lease: span(lease_ms), ..StartJobRequest::default() };
    let answer = grpc.queue().start_job(request).await.unwrap();
    answer.into_inner().job.expect("a job").key
}

/// A job as a member of the store's sets.
fn member(key: &str) -> &str {
    key.split_once('/').expect("a key").1
}

#[tokio::test]
async fn a_job_behind_many_damaged_ones_returns_in_time() {
    let stack = Stack::start(StoreKind::Redis).await;
    let grpc = stack.grpc();
    push(&grpc, PROJECT, DAMAGED + 1).await;
    let mut damaged = Vec::new();
    for _ in 0..DAMAGED {
        let key = start(&grpc, LEASE).await;
        let record = format!("sq:{{{PROJECT}}}:j:{}", member(&key));
        let old: i64 = stack.redis().command(&["HSET", &record, "p", "damaged"]);
        assert_eq!(old, 0);
        damaged.push(key);
    }
    // Its lease ends last: all others are due before it.
    let good = start(&grpc, LEASE).await;
    let job = take(&grpc, PROJECT).await.job.unwrap();
    assert_eq!((job.key, job.attempt), (good, 2));
    let soon = (SystemClock.now().0 + 30_000).to_string();
    let index = format!("sq:{{{PROJECT}}}:due");
    eventually("not all were put off", async || {
        let sooner: u64 = stack.redis().command(&["ZCOUNT", &index, "-inf", &soon]);
        let all: usize = stack.redis().command(&["ZCARD", &index]);
        // The one that was taken has its lease of a minute.
        (sooner == 0 && all == DAMAGED + 1).then_some(())
    })
    .await;
    for key in damaged {
        let record = format!("sq:{{{PROJECT}}}:j:{}", member(&key));
        let rank: String = stack.redis().command(&["HGET", &record, "p"]);
        assert_eq!(rank, "damaged");
    }
}
