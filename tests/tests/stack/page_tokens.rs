//! Pages over gRPC: their sizes, and tokens that are good only for the call that gave them and for
//! the same request, but for its `page_size`.

use std::fmt::Debug;

use serde_json::json;
use spiderq_proto::v1::*;
use spiderq_tests::{Http, Stack, by_name};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use crate::on_each_store;

/// Six finished jobs of three spiders in project 1.
async fn push(http: &Http) {
    let lines = ["a", "b", "c", "a", "b", "c"]
        .map(|spider| json!({"spider": spider, "state": "finished"}).to_string());
    http.post("/jobq/1/push", lines.join("\n")).await.ok();
}

fn assert_wrong<T: Debug>(answer: Result<Response<T>, Status>, field: &str) {
    let status = answer.expect_err(field);
    let details = status.get_error_details();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(details.error_info().unwrap().reason, "INVALID_FIELD");
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
}

#[tokio::test]
async fn a_token_of_list_jobs_is_good_only_for_its_request() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack.http()).await;
        let mut jobs = stack.grpc().jobs();
        let first = ListJobsRequest { project: 1, page_size: 2, ..Default::default() };
        let page = jobs.list_jobs(first.clone()).await.unwrap().into_inner();
        assert_eq!((page.jobs.len(), page.total_size), (2, 0));
        let next = ListJobsRequest { page_token: page.next_page_token, ..first };
        type Set = fn(&mut ListJobsRequest);
        let others: [Set; 10] = [
            |r| r.project = 2,
            |r| filter(r).states = vec![JobState::Finished.into()],
            |r| filter(r).spiders = vec![by_name("a")],
            |r| filter(r).has_tags = vec!["x".to_owned()],
            |r| r.skip = 1,
            |r| r.view = JobView::Full.into(),
            |r| r.metadata_fields = vec!["n".to_owned()],
            |r| r.with_total_size = true,
            |r| r.order = ListOrder::State.into(),
            |r| r.page_token.push('0'),
        ];
        for set in others {
            let mut other = next.clone();
            set(&mut other);
            assert_wrong(jobs.list_jobs(other).await, "page_token");
        }
        let rest = ListJobsRequest { page_size: 100, ..next };
        let rest = jobs.list_jobs(rest).await.unwrap().into_inner();
        let keys: Vec<String> = rest.jobs.into_iter().map(|job| job.key).collect();
        assert_eq!(keys, ["1/1/2", "1/3/1", "1/2/1", "1/1/1"]);
        assert_eq!(rest.next_page_token, "");
    })
    .await;
}

fn filter(request: &mut ListJobsRequest) -> &mut JobFilter {
    request.filter.get_or_insert_default()
}

#[tokio::test]
async fn a_page_size_above_the_most_is_reduced_and_one_below_zero_is_refused() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let lines = vec![r#"{"spider":"s"}"#; 1_001].join("\n");
        stack.http().post("/jobq/1/push", lines).await.ok();
        let grpc = stack.grpc();
        let mut request = ListJobsRequest { project: 1, page_size: 5_000, ..Default::default() };
        let page = grpc.jobs().list_jobs(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.jobs.len(), 1_000);
        request.page_token = page.next_page_token;
        let rest = grpc.jobs().list_jobs(request).await.unwrap().into_inner();
        assert_eq!((rest.jobs.len(), rest.next_page_token.as_str()), (1, ""));
        let request = ListJobsRequest { project: 1, page_size: -1, ..Default::default() };
        assert_wrong(grpc.jobs().list_jobs(request).await, "page_size");
        let request = ListSpidersRequest { project: 1, page_size: -1, ..Default::default() };
        assert_wrong(grpc.projects().list_spiders(request).await, "page_size");
        let request = ListProjectsRequest { page_size: -1, ..Default::default() };
        assert_wrong(grpc.projects().list_projects(request).await, "page_size");
        let request = ListApiKeysRequest { page_size: -1, ..Default::default() };
        assert_wrong(grpc.api_keys().list_api_keys(request).await, "page_size");
        let request = ListLastJobsRequest { project: 1, page_size: -1, ..Default::default() };
        assert_wrong(grpc.queue().list_last_jobs(request).await, "page_size");
    })
    .await;
}

#[tokio::test]
async fn spiders_and_last_jobs_come_in_pages() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        push(&stack.http()).await;
        let (mut projects, mut queue) = (stack.grpc().projects(), stack.grpc().queue());
        let mut spiders = ListSpidersRequest {
            project: 1,
            page_size: 2,
            with_total_size: true,
            ..Default::default()
        };
        let page = projects.list_spiders(spiders.clone()).await.unwrap().into_inner();
        let names = |page: &[Spider]| page.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&page.spiders), ["a", "b"]);
        assert_eq!(page.total_size, 3);
        spiders.page_token = page.next_page_token;
        let other = ListSpidersRequest { skip: 1, ..spiders.clone() };
        assert_wrong(projects.list_spiders(other).await, "page_token");
        let page = projects.list_spiders(spiders).await.unwrap().into_inner();
        assert_eq!(names(&page.spiders), ["c"]);
        assert_eq!(page.next_page_token, "");

        let mut last = ListLastJobsRequest { project: 1, page_size: 2, ..Default::default() };
        let page = queue.list_last_jobs(last.clone()).await.unwrap().into_inner();
        let keys = |page: &[Job]| page.iter().map(|it| it.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&page.jobs), ["1/1/2", "1/2/2"]);
        last.page_token = page.next_page_token;
        let other = ListLastJobsRequest { spider: Some(by_name("c")), ..last.clone() };
        assert_wrong(queue.list_last_jobs(other).await, "page_token");
        let page = queue.list_last_jobs(last).await.unwrap().into_inner();
        assert_eq!(keys(&page.jobs), ["1/3/2"]);
        assert_eq!(page.next_page_token, "");
        let after = ListLastJobsRequest { project: 1, after_spider_id: 2, ..Default::default() };
        let page = queue.list_last_jobs(after).await.unwrap().into_inner();
        assert_eq!(keys(&page.jobs), ["1/3/2"]);
    })
    .await;
}

#[tokio::test]
async fn projects_and_api_keys_come_in_pages() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        for project in [70, 8, 9] {
            stack.http().post(&format!("/projects/{project}/settings/a"), "1").await.ok();
        }
        let mut projects = stack.grpc().projects();
        let mut request = ListProjectsRequest { page_size: 2, ..Default::default() };
        let page = projects.list_projects(request.clone()).await.unwrap().into_inner();
        let ids = |projects: Vec<Project>| projects.into_iter().map(|it| it.id).collect::<Vec<_>>();
        assert_eq!(ids(page.projects), [8, 9]);
        request.page_token = page.next_page_token.clone();
        let rest = projects.list_projects(request).await.unwrap().into_inner();
        assert_eq!((ids(rest.projects), rest.next_page_token), (vec![70], String::new()));

        let mut request = SummarizeProjectsRequest {
            projects: vec![9, 70, 8],
            page_size: 2,
            ..Default::default()
        };
        let first = projects.summarize_projects(request.clone()).await.unwrap().into_inner();
        request.page_token = first.next_page_token.clone();
        let rest = projects.summarize_projects(request.clone()).await.unwrap().into_inner();
        let summaries = [first.summaries, rest.summaries].concat();
        let numbers: Vec<i64> = summaries.iter().map(|summary| summary.project).collect();
        assert_eq!((numbers, rest.next_page_token), (vec![8, 9, 70], String::new()));
        request.projects.pop();
        assert_wrong(projects.summarize_projects(request).await, "page_token");

        for owner in ["ann", "bob"] {
            stack.create_key(owner, Role::Read, &[]).await;
        }
        let mut keys = stack.grpc().api_keys();
        let (mut owners, mut request) =
            (Vec::new(), ListApiKeysRequest { page_size: 1, ..Default::default() });
        // A token of another call.
        let foreign = ListApiKeysRequest { page_token: page.next_page_token, ..request.clone() };
        assert_wrong(keys.list_api_keys(foreign).await, "page_token");
        loop {
            let page = keys.list_api_keys(request.clone()).await.unwrap().into_inner();
            owners.extend(page.api_keys.into_iter().map(|key| key.owner));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(owners, ["ann", "bob"]);
    })
    .await;
}
