//! Deleting and purging jobs.

use serde_json::json;
use spiderq_proto::v1::{DeleteJobsRequest, JobState, PurgeJobRequest, PurgeJobResponse};
use spiderq_tests::{Grpc, Stack, by_keys};
use tonic::Code;

use crate::{
    helpers::{get, schedule, scheduled},
    on_each_store,
};

/// Deletes a finished job of project 53, the only one of its spider, and purges it.
pub(crate) async fn delete_and_purge(grpc: &Grpc, key: &str) {
    let purge = PurgeJobRequest { key: key.to_owned() };
    let early = grpc.jobs().purge_job(purge.clone()).await.unwrap_err();
    assert_eq!(early.code(), Code::FailedPrecondition);
    let delete = DeleteJobsRequest { filter: by_keys([key]), ..Default::default() };
    let deleted = grpc.jobs().delete_jobs(delete).await.unwrap();
    assert_eq!(deleted.into_inner().count, 1);
    assert_eq!(get(grpc, key).await.unwrap().state(), JobState::Deleted);
    for purged in [true, false] {
        let answer = grpc.jobs().purge_job(purge.clone()).await.unwrap();
        assert_eq!(answer.into_inner(), PurgeJobResponse { purged });
    }
    assert_eq!(get(grpc, key).await.unwrap_err().code(), Code::NotFound);
    let next = scheduled(grpc, schedule("spider")).await.unwrap();
    assert_eq!(next, "53/1/2", "no number is given twice");
}

#[tokio::test]
async fn pending_and_finished_jobs_are_deleted_and_a_running_one_refuses_the_call() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let http = stack.http();
        let states = ["pending", "running", "finished"];
        let lines = states.map(|state| json!({"spider": "s", "state": state}).to_string());
        http.post("/jobq/1/push", lines.join("\n")).await.ok();
        let delete = async |jobs: &[&str]| {
            let jobs = jobs.iter().map(|job| ("job", *job));
            let form: Vec<_> = [("project", "1")].into_iter().chain(jobs).collect();
            http.form("/api/jobs/delete.json", &form).await
        };
        let refused = delete(&["1/1/1", "1/1/2", "1/1/3"]).await;
        assert_eq!((refused.status, &refused.json()["status"]), (400, &json!("error")));
        let listed = http.get("/jobq/1/list?state=deleted").await.ok();
        assert_eq!(listed.text(), "");
        let deleted = delete(&["1/1/1", "1/1/3"]).await.ok();
        assert_eq!(deleted.json(), json!({"status": "ok", "count": 2}));
        let listed = http.get("/jobq/1/list?state=deleted").await.ok();
        assert_eq!(listed.column("key"), ["1/1/3", "1/1/1"]);
    })
    .await;
}
