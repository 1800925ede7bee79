//! What workers send to the queue: starts and heartbeats.

use spiderq_proto::{
    time::{duration, timestamp},
    v1::*,
};

use crate::{by_name, fake::Fake, fields, job};

#[tokio::test]
async fn startjob_has_the_whole_job_or_no_body() {
    let fake = Fake::default().responds(StartJobResponse {
        job: Some(Job { metadata_json: fields(&[("x", "[ 1.0 ]")]), ..job("1/2/3") }),
        token: "TOKEN".to_owned(),
        ..StartJobResponse::default()
    });
    let headers = [("idempotency-key", "id")];
    let body = "{\"botgroup\": [\"g\"], \"spider\": \"s\"}";
    let reply = fake.with("POST", "/jobq/1/startjob", &headers, body).await;
    assert_eq!(
        reply.code_and_body(),
        (
            200,
            concat!(
                r#"{"auth":"TOKEN","key":"1/2/3","priority":2,"project":1,"spider":"s","#,
                r#""state":"finished","tags":[],"units":1,"x":[ 1.0 ]}"#,
                "\n"
            )
        )
    );
    let expected = StartJobRequest {
        project: 1,
        spiders: vec![by_name("s")],
        metadata_json: fields(&[("botgroup", "[\"g\"]")]),
        lease: Some(duration(0)),
        wait: Some(duration(0)),
        request_id: "id".to_owned(),
        ..StartJobRequest::default()
    };
    assert_eq!(fake.request::<StartJobRequest>(), expected);
    for body in ["", "{}"] {
        assert_eq!(Fake::default().post("/jobq/1/startjob", body).await.code_and_body(), (200, ""));
    }
}

#[tokio::test]
async fn startjob_with_a_lease_also_has_the_fence_and_the_end_of_the_lease() {
    let fake = Fake::default().responds(StartJobResponse {
        job: Some(Job { metadata_json: fields(&[("fence", "1")]), ..job("1/2/3") }),
        token: "TOKEN".to_owned(),
        fence: "FENCE".to_owned(),
        lease_expire_time: Some(timestamp(1_566_311_831_163)),
    });
    let reply = fake.post("/jobq/1/startjob?lease=30&wait=20", "").await;
    assert_eq!(
        reply.code_and_body(),
        (
            200,
            concat!(
                r#"{"auth":"TOKEN","fence":"FENCE","key":"1/2/3","lease_expires":1566311831163,"#,
                r#""priority":2,"project":1,"spider":"s","state":"finished","tags":[],"units":1}"#,
                "\n"
            )
        )
    );
    let request = fake.request::<StartJobRequest>();
    assert_eq!(request.lease, Some(duration(30_000)));
    // This gateway's responses must begin within 200 ms, which is less than the wait leaves.
    assert_eq!(request.wait, Some(duration(0)));
}

#[tokio::test]
async fn a_heartbeat_takes_fence_lease_and_counters_or_nothing() {
    let counted = JobCounters { items: Some(1), pages: Some(2), logs: Some(3), errors: Some(0) };
    let everything = r#"{"fence":"F","lease":30,"items":1,"pages":2,"logs":3,"errors":0,"x":[]}"#;
    for (body, fence, lease, counters) in [
        (everything, "F", Some(duration(30_000)), counted),
        ("", "", None, JobCounters::default()),
        (r#"{"lease":null,"items":null}"#, "", None, JobCounters::default()),
    ] {
        let lease_expire_time = Some(timestamp(1_566_311_831_163));
        let response = HeartbeatResponse { lease_expire_time, stop_requested: body.is_empty() };
        let fake = Fake::default().responds(response);
        let reply = fake.post("/jobq/1/2/3/heartbeat", body).await;
        let expected = match body {
            "" => r#"{"lease_expires":1566311831163,"stop_requested":true}"#,
            _ => r#"{"lease_expires":1566311831163,"stop_requested":false}"#,
        };
        assert_eq!(reply.code_and_body(), (200, expected));
        let expected = HeartbeatRequest {
            key: "1/2/3".to_owned(),
            fence: fence.to_owned(),
            lease,
            counters: Some(counters),
        };
        assert_eq!(fake.request::<HeartbeatRequest>(), expected);
    }
}
