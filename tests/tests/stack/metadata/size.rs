//! A job's metadata have at most 1 MiB in all, over HTTP and gRPC.

use serde_json::json;
use spiderq_proto::v1::{
    JobState, JobUpdate, SetJobMetadataRequest, StartJobRequest, UpdateQueueRequest,
};
use spiderq_tests::{Stack, item_error, item_fields, update_error, update_of};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::on_each_store;

const MESSAGE: &str = "metadata: must be at most 1 MiB in all";

/// 400 KiB: two fit, three do not.
fn large() -> String {
    format!("\"{}\"", "x".repeat(400 << 10))
}

#[tokio::test]
async fn a_job_with_full_metadata_refuses_more_and_still_runs() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let line = format!(r#"{{"spider":"s","a":{}}}"#, large());
        http.post("/jobq/1/push", line).await.ok();
        http.post("/jobs/1/1/1/b", large()).await.ok();
        let before = http.get("/jobs/1/1/1").await.ok().text();

        for (path, body) in
            [("/jobs/1/1/1/c", large()), ("/jobs/1/1/1", format!(r#"{{"n":1,"c":{}}}"#, large()))]
        {
            let refused = http.post(path, body).await;
            let expected = json!({"error": "Payload Too Large", "message": MESSAGE});
            assert_eq!((refused.status, refused.json()), (413, expected));
        }
        let update = format!(r#"{{"key":"1/1/1","state":"finished","c":{}}}"#, large());
        let refused = http.post("/jobq/1/update", update).await.ok();
        assert_eq!(refused.lines(), [json!({"key": "1/1/1", "error": MESSAGE})]);
        let form = [("project", "1"), ("job", "1/1/1"), ("c", &large()), ("add_tag", "t")];
        let refused = http.form("/api/jobs/update.json", &form).await;
        assert_eq!((refused.status, &refused.json()["message"]), (413, &json!(MESSAGE)));
        assert_eq!(http.get("/jobs/1/1/1").await.ok().text(), before);

        let started = http.post("/jobq/1/startjob", r#"{"botgroup":"g"}"#).await.ok();
        assert_eq!(started.json()["key"], "1/1/1");
        http.post("/jobs/1/1/1/a", "1").await.ok();
        http.post("/jobs/1/1/1/c", large()).await.ok();
        let finish = json!({"key": "1/1/1", "state": "finished", "close_reason": "finished"});
        let done = http.post("/jobq/1/update", finish.to_string()).await.ok();
        assert_eq!(done.column("prevstate"), ["running"]);
    })
    .await;
}

#[tokio::test]
async fn metadata_over_the_limit_are_refused_by_field_over_grpc() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let line = format!(r#"{{"spider":"s","a":{0},"b":{0}}}"#, large());
        stack.http().post("/jobq/1/push", line).await.ok();
        let (key, metadata_json) = ("1/1/1".to_owned(), [("c".to_owned(), large())].into());
        let set = SetJobMetadataRequest {
            key: key.clone(),
            metadata_json,
            ..SetJobMetadataRequest::default()
        };
        let metadata_json = set.metadata_json.clone();
        let update = JobUpdate { metadata_json, ..update_of(key) };
        let status = stack.grpc().jobs().set_job_metadata(set).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, MESSAGE));
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "TOO_LARGE");
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "metadata_json");
        let request = UpdateQueueRequest { updates: vec![update], ..UpdateQueueRequest::default() };
        let answer = stack.grpc().queue().update_queue(request).await.unwrap();
        let error = update_error(&answer.into_inner().results[0]).unwrap();
        let expected = (Code::ResourceExhausted, "TOO_LARGE".to_owned(), MESSAGE.to_owned());
        assert_eq!(item_error(&error), expected);
        assert_eq!(item_fields(&error), ["updates[0].metadata_json"]);

        // A start may go beyond the limit, and its job can end all the same.
        let start = StartJobRequest {
            project: 1,
            metadata_json: [("d".to_owned(), format!("\"{}\"", "d".repeat(250_000)))].into(),
            ..StartJobRequest::default()
        };
        let started = stack.grpc().queue().start_job(start).await.unwrap().into_inner();
        let finish = JobUpdate {
            state: JobState::Finished.into(),
            close_reason: Some("finished".to_owned()),
            fence: started.fence,
            ..update_of("1/1/1")
        };
        let request = UpdateQueueRequest { updates: vec![finish], ..UpdateQueueRequest::default() };
        let answer = stack.grpc().queue().update_queue(request).await.unwrap().into_inner();
        assert_eq!(update_error(&answer.results[0]), None);
        let job = stack.http().get("/jobs/1/1/1/close_reason").await.ok();
        assert_eq!(job.json(), "finished");
    })
    .await;
}
