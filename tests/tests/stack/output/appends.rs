//! Who may append what, and until when.

use spiderq_proto::v1::{Role, UpdateProjectSettingsRequest};
use spiderq_tests::{Grpc, Stack};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::*;
use crate::{
    helpers::{NOW, texts},
    on_each_store,
};

fn reason(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().unwrap().reason)
}

fn failed(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

#[tokio::test]
async fn batches_are_stored_once_and_a_gap_names_the_next_offset() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let job = started(&grpc).await;
        let (key, fence) = (key_of(&job), job.fence.as_str());
        let texts = logs(0..5);
        for _ in 0..2 {
            assert_eq!(append(&grpc, &key, fence, 0, &texts[..3]).await.unwrap(), 3);
        }
        assert_eq!(append(&grpc, &key, fence, 2, &texts[2..]).await.unwrap(), 5);
        let gap = append(&grpc, &key, fence, 6, &texts[..1]).await.unwrap_err();
        assert_eq!(reason(&gap), failed("OUTPUT_GAP"));
        assert_eq!(gap.message(), "start_offset: must be at most 5, where the output ends");
        let metadata = gap.get_details_error_info().unwrap().metadata;
        assert_eq!((&metadata["key"], metadata["next_offset"].as_str()), (&key, "5"));
        assert_eq!(append(&grpc, &key, fence, 99, &[]).await.unwrap(), 5);
        assert_eq!(all(&grpc, read(&key)).await, (numbered(&texts), 1, 5));
    })
    .await;
}

#[tokio::test]
async fn a_stale_fence_a_foreign_token_and_an_old_job_append_nothing() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let (job, other) = (started(&grpc).await, started(&grpc).await);
        let (key, texts) = (key_of(&job), logs(0..1));
        let token = |job: &StartJobResponse| Grpc::new(&stack.url, &job.token);
        assert_eq!(append(&token(&job), &key, "", 0, &texts).await.unwrap(), 1);
        let refused = append(&token(&other), &key, "", 1, &texts).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::PermissionDenied, "NOT_REACHED".to_owned()));
        for fence in [&other.fence, &"f".repeat(32)] {
            let stale = append(&grpc, &key, fence, 1, &texts).await.unwrap_err();
            assert_eq!(reason(&stale), failed("STALE_FENCE"));
        }
        let reader = Grpc::new(&stack.url, &stack.create_key("reader", Role::Read, &[53]).await);
        let refused = append(&reader, &key, &job.fence, 1, &texts).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(append(&grpc, &key, &job.fence, 1, &texts).await.unwrap(), 2);
        finish(&grpc, &key).await;
        stack.set_time(NOW + 60_000);
        assert_eq!(append(&grpc, &key, &job.fence, 2, &texts).await.unwrap(), 3);
        let stale = append(&grpc, &key, &other.fence, 3, &texts).await.unwrap_err();
        assert_eq!(reason(&stale), failed("STALE_FENCE"));
        stack.set_time(NOW + 61_000);
        let late = append(&grpc, &key, &job.fence, 3, &texts).await.unwrap_err();
        assert_eq!(reason(&late), failed("WRONG_STATE"));
        assert_eq!(all(&grpc, read(&key)).await.2, 3);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_line_or_too_large_is_refused_by_its_place() {
    let stack = Stack::at(spiderq_tests::StoreKind::Sqlite, NOW).await;
    let grpc = stack.grpc();
    let job = started(&grpc).await;
    let key = key_of(&job);
    let refused = async |texts: &[String]| {
        let status = append(&grpc, &key, &job.fence, 0, texts).await.unwrap_err();
        let field = status.get_details_bad_request().unwrap().field_violations[0].field.clone();
        (status.code(), field, status.message().to_owned())
    };
    let error = |code, field: &str, message: &str| (code, field.to_owned(), message.to_owned());
    let bad = [log(0, 20), "nonsense".to_owned()];
    let expected = error(Code::InvalidArgument, "lines[1]", "lines: must be a JSON object");
    assert_eq!(refused(&bad).await, expected);
    let large = |bytes: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes - 8));
    let expected = error(Code::ResourceExhausted, "lines[1]", "lines: must be at most 1 MiB each");
    assert_eq!(refused(&[log(0, 20), large((1 << 20) + 1)]).await, expected);
    let five: Vec<String> = (0..5).map(|_| large(1 << 20)).collect();
    let answer = append(&grpc, &key, &job.fence, 0, &five).await.unwrap_err();
    assert_eq!(answer.code(), Code::ResourceExhausted);
    assert_eq!(append(&grpc, &key, &job.fence, 0, &five[..4]).await.unwrap(), 4);
    let settings = UpdateProjectSettingsRequest {
        project: 53,
        settings_json: texts([("max_output_bytes", "4194400")]),
        ..Default::default()
    };
    grpc.projects().update_project_settings(settings).await.unwrap();
    let another = key_of(&started(&grpc).await);
    assert_eq!(append(&grpc, &another, "", 0, &[log(0, 20)]).await.unwrap(), 1);
}

#[tokio::test]
async fn each_attempt_has_output_of_its_own_and_the_last_is_read() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let grpc = stack.grpc();
        let first = started(&grpc).await;
        let key = key_of(&first);
        append(&grpc, &key, &first.fence, 0, &logs(0..3)).await.unwrap();
        // Its lease ends, and upkeep gives it to the next.
        stack.set_time(NOW + 60_000);
        let second = spiderq_tests::eventually("it does not go back", async || {
            let again = start(&grpc).await;
            again.job.is_some().then_some(again)
        })
        .await;
        let stale = append(&grpc, &key, &first.fence, 3, &logs(3..4)).await.unwrap_err();
        assert_eq!(reason(&stale), failed("STALE_FENCE"));
        append(&grpc, &key, &second.fence, 0, &logs(7..8)).await.unwrap();
        assert_eq!(all(&grpc, read(&key)).await, (vec![(0, log(7, 20))], 2, 1));
        let of_first = ReadOutputRequest { attempt: Some(1), ..read(&key) };
        assert_eq!(all(&grpc, of_first).await, (numbered(&logs(0..3)), 1, 3));
    })
    .await;
}
