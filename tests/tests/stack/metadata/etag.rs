//! Writes of metadata with an etag: made only if the job is as it was read.

use spiderq_proto::v1::{DeleteJobMetadataRequest, SetJobMetadataRequest};
use spiderq_tests::Stack;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    helpers::{NOW, get, schedule, texts},
    on_each_store,
};

fn set(note: &str, etag: &str) -> SetJobMetadataRequest {
    SetJobMetadataRequest {
        key: "53/1/1".to_owned(),
        metadata_json: texts([("note", note)]),
        etag: etag.to_owned(),
        ..Default::default()
    }
}

fn delete(etag: &str) -> DeleteJobMetadataRequest {
    DeleteJobMetadataRequest {
        key: "53/1/1".to_owned(),
        field: "note".to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    }
}

fn assert_changed(status: &Status) {
    let info = status.get_details_error_info().unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (Code::Aborted, "ETAG_CHANGED"));
    assert_eq!(info.metadata["key"], "53/1/1");
}

#[tokio::test]
async fn a_write_with_the_etag_of_an_older_job_is_aborted() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let (grpc, mut jobs) = (stack.grpc(), stack.grpc().jobs());
        jobs.schedule_job(schedule("spider")).await.unwrap();
        let first = get(&grpc, "53/1/1").await.unwrap().etag;
        stack.set_time(NOW + 1);
        let second = jobs.set_job_metadata(set("1", &first)).await.unwrap().into_inner().etag;
        assert_ne!(first, second);
        assert_eq!(get(&grpc, "53/1/1").await.unwrap().etag, second);
        stack.set_time(NOW + 2);
        assert_changed(&jobs.set_job_metadata(set("2", &first)).await.unwrap_err());
        assert_changed(&jobs.delete_job_metadata(delete(&first)).await.unwrap_err());
        let job = get(&grpc, "53/1/1").await.unwrap();
        assert_eq!((job.metadata_json["note"].as_str(), job.etag), ("1", second.clone()));
        // Without an etag there is no condition, and one that nobody was given never holds.
        jobs.set_job_metadata(set("3", "")).await.unwrap();
        assert_changed(&jobs.set_job_metadata(set("4", &second)).await.unwrap_err());
        let third = get(&grpc, "53/1/1").await.unwrap().etag;
        stack.set_time(NOW + 3);
        jobs.delete_job_metadata(delete(&third)).await.unwrap();
        let job = get(&grpc, "53/1/1").await.unwrap();
        assert!(!job.metadata_json.contains_key("note"));
        let unknown = jobs.set_job_metadata(set("5", "x")).await.unwrap_err();
        assert!([Code::Aborted, Code::InvalidArgument].contains(&unknown.code()), "{unknown}");
    })
    .await;
}

/// Whatever writes to a job changes its etag.
#[tokio::test]
async fn every_write_to_a_job_changes_its_etag() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        grpc.jobs().schedule_job(schedule("spider")).await.unwrap();
        let mut seen = vec![get(&grpc, "53/1/1").await.unwrap().etag];
        for (number, (path, body)) in (1..).zip([
            ("/jobs/53/1/1/n", "1"),
            ("/jobq/53/startjob", "{}"),
            ("/jobq/53/1/1/cancel", ""),
            ("/jobq/53/update", r#"{"key":"53/1/1","state":"finished"}"#),
            ("/jobq/53/update", r#"{"key":"53/1/1","state":"deleted"}"#),
            ("/jobq/53/update", r#"{"key":"53/1/1","state":"finished"}"#),
        ]) {
            stack.set_time(NOW + number);
            http.post(path, body).await.ok();
            let etag = get(&grpc, "53/1/1").await.unwrap().etag;
            assert!(!seen.contains(&etag), "{path}: {etag}");
            seen.push(etag);
        }
    })
    .await;
}
