//! Running jobs that were asked to stop: what becomes of those that do not end in time. The clock
//! is set by hand; a watch shows when the reaper has done its work.

use spiderq_tests::Stack;
use tonic::Code;

use crate::{
    helpers::{NOW, schedule},
    on_each_store,
    reaper::{ENDED, beat, event, metadata, next, start, stop, watch},
};

#[tokio::test]
async fn a_job_that_does_not_stop_within_cancel_timeout_is_finished() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        stack.http().post("/projects/53/settings/cancel_timeout", "2").await.ok();
        for spider in ["a", "b", "c"] {
            grpc.jobs().schedule_job(schedule(spider)).await.unwrap();
        }
        let by_stop = start(&grpc, 10_000).await;
        let by_cancel = start(&grpc, 0).await;
        let other = start(&grpc, 10_000).await;
        stop(&grpc, "53/1/1").await;
        stack.http().post("/jobq/53/2/1/cancel", "").await.ok();
        stack.set_time(NOW + 500);
        assert_eq!(beat(&grpc, &by_stop).await, Ok(true));
        // A second request gives no more time.
        stop(&grpc, "53/1/1").await;
        stack.set_time(NOW + 1_400);
        assert_eq!(beat(&grpc, &by_stop).await, Ok(true));
        let mut events = watch(&grpc).await;
        stack.set_time(NOW + 2_000);
        let mut ended = [next(&mut events).await, next(&mut events).await];
        ended.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(ended, [event("53/1/1", ENDED), event("53/2/1", ENDED)]);
        for (key, started) in [("53/1/1", &by_stop), ("53/2/1", &by_cancel)] {
            let job = metadata(&stack, key).await;
            assert_eq!(job["close_reason"], "cancel_timeout");
            assert_eq!(job["cancelled_by"], "admin");
            assert_eq!(job["completed_by"], "spiderq");
            assert_eq!(beat(&grpc, started).await, Err(Code::FailedPrecondition));
        }
        assert_eq!(beat(&grpc, &other).await, Ok(false));
    })
    .await;
}

#[tokio::test]
async fn the_default_cancel_timeout_is_five_minutes() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        grpc.jobs().schedule_job(schedule("a")).await.unwrap();
        start(&grpc, 0).await;
        stop(&grpc, "53/1/1").await;
        let mut events = watch(&grpc).await;
        stack.set_time(NOW + 299_999);
        grpc.jobs().schedule_job(schedule("b")).await.unwrap();
        assert_eq!(next(&mut events).await.0, "53/2/1");
        stack.set_time(NOW + 300_000);
        assert_eq!(next(&mut events).await, event("53/1/1", ENDED));
    })
    .await;
}
