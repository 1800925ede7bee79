//! Bad input over gRPC, for the fields that no HTTP parameter stands for: each is refused by its
//! name, and changes nothing. (`bad_input.rs` has those that HTTP shares.)

use spiderq_proto::v1::{cancel_jobs_request::Selection, job_update::Target};
use spiderq_proto::{FieldMask, Timestamp, v1::*};
use spiderq_tests::{
    Grpc, Stack, by_keys, by_name, by_number, item_error, item_fields, job_of, pushed_key, span,
    update_error, update_of,
};
use tonic::{Code, Response, Status};

use crate::{helpers::texts, on_each_store};

fn assert_invalid<T: std::fmt::Debug>(answer: Result<Response<T>, Status>, message: &str) {
    let status = answer.expect_err(message);
    let told = (status.code(), status.message());
    assert_eq!(told, (Code::InvalidArgument, message));
}

async fn lists(grpc: &Grpc) {
    let state = "state: must be pending, running, finished or deleted";
    let token = "page_token: must be the next_page_token of a page before, with the same request";
    type Set = fn(&mut ListJobsRequest);
    let cases: [(Set, &str); 13] = [
        (|r| r.project = 0, "project: must be a positive integer"),
        (|r| r.page_size = -1, "page_size: must not be negative"),
        (|r| r.skip = -1, "skip: must not be negative"),
        (|r| r.page_token = "2".into(), token),
        (|r| r.page_token = "9-1".into(), token),
        (|r| r.view = 9, "view: must be JOB_VIEW_ROW or JOB_VIEW_FULL"),
        (|r| r.order = 9, "order: must be LIST_ORDER_LATEST or LIST_ORDER_STATE"),
        (|r| filter(r).states = vec![9], state),
        (
            |r| filter(r).from_state_time = Some(before_epoch()),
            "from_state_time: must be a time in ms since the epoch",
        ),
        (
            |r| filter(r).before_state_time = Some(before_epoch()),
            "before_state_time: must be a time in ms since the epoch",
        ),
        (
            |r| filter(r).spiders = vec![by_name("s"); 101],
            "spiders: may be given at most 100 times",
        ),
        (
            |r| filter(r).priorities = vec![5],
            "priorities: must be an integer from 0 (lowest) to 4 (highest)",
        ),
        (
            |r| r.metadata_fields = vec![String::new()],
            "metadata_fields: names of fields must be 1 to 128 bytes of text without control characters",
        ),
    ];
    for (set, message) in cases {
        let mut request = ListJobsRequest { project: 1, ..Default::default() };
        set(&mut request);
        assert_invalid(grpc.jobs().list_jobs(request).await, message);
    }
}

fn before_epoch() -> Timestamp {
    Timestamp { seconds: -1, nanos: 0 }
}

fn filter(request: &mut ListJobsRequest) -> &mut JobFilter {
    request.filter.get_or_insert_default()
}

async fn starts(grpc: &Grpc) {
    let lease = "lease: must be 0 (no lease) or from 1000 to 3600000 ms";
    let id = "request_id: must be 1 to 128 bytes of text without control characters";
    type Set = fn(&mut StartJobRequest);
    let wait = "wait: must be from 0 to 60000 ms";
    let cases: [(Set, &str); 11] = [
        (|r| r.lease = span(-1), lease),
        (|r| r.lease = span(999), lease),
        (|r| r.lease = span(3_600_001), lease),
        (|r| r.wait = span(-1), wait),
        (|r| r.wait = span(60_001), wait),
        (|r| r.max_units = 7, "max_units: must be an integer from 1 to 6"),
        (
            |r| r.has_tags = vec![String::new()],
            "has_tags: each must be 1 to 128 bytes of text without control characters",
        ),
        (
            |r| r.lacks_tags = vec!["\n".into()],
            "lacks_tags: each must be 1 to 128 bytes of text without control characters",
        ),
        (|r| r.request_id = "x".repeat(129), id),
        (|r| r.request_id = "a\nb".into(), id),
        (
            |r| r.spiders = vec![by_name("")],
            "spider: must be a spider's name: 1 to 255 bytes of text without control characters",
        ),
    ];
    for (set, message) in cases {
        let mut request = StartJobRequest { project: 1, ..Default::default() };
        set(&mut request);
        assert_invalid(grpc.queue().start_job(request).await, message);
    }
}

async fn heartbeats(grpc: &Grpc) {
    let lease = "lease: must be from 1000 to 3600000 ms";
    let fence = "fence: must be the fence that StartJob answered";
    type Set = fn(&mut HeartbeatRequest);
    let cases: [(Set, &str); 5] = [
        (|r| r.key = "1/1".into(), "key: must be a job key like 53/7/81"),
        (|r| r.fence = String::new(), "fence: is required, or the job's own token"),
        (|r| r.fence = "F".repeat(32), fence),
        (|r| r.lease = span(0), lease),
        (
            |r| r.counters = Some(JobCounters { items: Some(-1), ..Default::default() }),
            "items: must not be negative",
        ),
    ];
    for (set, message) in cases {
        let mut request =
            HeartbeatRequest { key: "1/1/1".into(), fence: "0".repeat(32), ..Default::default() };
        set(&mut request);
        assert_invalid(grpc.queue().heartbeat(request).await, message);
    }
}

async fn pushes_and_updates(grpc: &Grpc) {
    let request = PushJobsRequest { project: 1, ..Default::default() };
    let empty = grpc.queue().push_jobs(request).await;
    assert_invalid(empty, "jobs: at least one is required");
    let cancel = CancelJobsRequest { project: 1, ..Default::default() };
    let oldest = |count| CancelJobsRequest {
        selection: Some(Selection::OldestPending(count)),
        ..cancel.clone()
    };
    let resumed = CancelJobsRequest { page_token: "x".into(), ..oldest(1) };
    let (most, none) = (oldest(100_001), oldest(0));
    let count = "oldest_pending: must be from 1 to 100000";
    let neither = grpc.queue().cancel_jobs(cancel).await;
    assert_invalid(neither, "filter: is required, or oldest_pending");
    assert_invalid(grpc.queue().cancel_jobs(most).await, count);
    assert_invalid(grpc.queue().cancel_jobs(none).await, count);
    let resumed = grpc.queue().cancel_jobs(resumed).await;
    assert_invalid(resumed, "page_token: must not stand beside oldest_pending");
    let update = |key: &str| update_of(key);
    let priority = JobUpdate { priority: Some(5), ..update("1/1/1") };
    let fence = JobUpdate { fence: "x".into(), ..update("1/1/1") };
    let none = JobUpdate::default();
    let spider = JobUpdate { target: Some(Target::Spider(by_number(0))), ..none.clone() };
    let request = UpdateQueueRequest {
        updates: vec![update("1/1/1"), priority, fence, update("x"), none, spider],
        project: 1,
        ..Default::default()
    };
    let refused = grpc.queue().update_queue(request).await.unwrap().into_inner();
    let expected = [
        ("priority", "priority: must be an integer from 0 (lowest) to 4 (highest)"),
        ("fence", "fence: must be the fence that StartJob answered"),
        ("key", "key: must be a job key like 53/7/81"),
        ("key", "key: is required, or spider"),
        ("spider.id", "spider: must be a positive integer"),
    ];
    assert_eq!(refused.results.len(), 6);
    for (index, (field, message)) in (1..).zip(expected) {
        let result = &refused.results[index];
        assert_eq!((result.key.as_str(), result.update_index), ("", index as i32));
        let error = update_error(result).unwrap();
        let told = (Code::InvalidArgument, "INVALID_FIELD".to_owned(), message.to_owned());
        assert_eq!(item_error(&error), told);
        assert_eq!(item_fields(&error), [format!("updates[{index}].{field}")]);
    }
}

async fn updates_of_jobs(grpc: &Grpc) {
    let metadata_json = texts([("n", "1")]);
    let by_state = JobFilter { states: vec![JobState::Deleted.into()], ..Default::default() };
    let by_no_state =
        JobFilter { states: vec![JobState::Unspecified.into()], ..Default::default() };
    for (filter, metadata_json, message) in [
        (None, metadata_json.clone(), "filter: is required, with keys or another condition"),
        (
            Some(JobFilter::default()),
            metadata_json.clone(),
            "filter: is required, with keys or another condition",
        ),
        (Some(by_no_state), metadata_json, "filter: is required, with keys or another condition"),
        (Some(by_state), texts([]), "metadata: is required, or changes of tags"),
        (by_keys(["1/1/1"]), texts([]), "metadata: is required, or changes of tags"),
    ] {
        let request = UpdateJobsRequest { project: 1, filter, metadata_json, ..Default::default() };
        assert_invalid(grpc.jobs().update_jobs(request).await, message);
    }
}

async fn api_keys(grpc: &Grpc) {
    let good = CreateApiKeyRequest {
        owner: "ann".into(),
        role: Role::User.into(),
        projects: vec![1],
        ..Default::default()
    };
    let owner = "owner: must be 1 to 64 bytes of text without control characters";
    let role = "role: must be read, worker, user or admin";
    for (request, message) in [
        (CreateApiKeyRequest { owner: String::new(), ..good.clone() }, owner),
        (CreateApiKeyRequest { owner: "x".repeat(65), ..good.clone() }, owner),
        (CreateApiKeyRequest { role: 0, ..good.clone() }, role),
        (CreateApiKeyRequest { role: 9, ..good.clone() }, role),
        (
            CreateApiKeyRequest { projects: vec![0], ..good.clone() },
            "projects: must be a positive integer",
        ),
        (
            CreateApiKeyRequest { role: Role::Admin.into(), ..good.clone() },
            "projects: must be empty for the role admin",
        ),
        (
            CreateApiKeyRequest { projects: vec![], ..good.clone() },
            "projects: is required, or all_projects",
        ),
        (
            CreateApiKeyRequest { all_projects: true, ..good.clone() },
            "projects: must be empty with all_projects",
        ),
        (
            CreateApiKeyRequest { request_id: "\n".into(), ..good.clone() },
            "request_id: must be 1 to 128 bytes of text without control characters",
        ),
        (
            CreateApiKeyRequest { expire_time: Some(Timestamp::default()), ..good.clone() },
            "expire_time: must be in the future",
        ),
        (
            CreateApiKeyRequest {
                expire_time: Some(Timestamp { seconds: 253_402_300_800, nanos: 0 }),
                ..good.clone()
            },
            "expire_time: must be a time of the years 1970 to 9999",
        ),
    ] {
        assert_invalid(grpc.api_keys().create_api_key(request).await, message);
    }
}

async fn projects(grpc: &Grpc) {
    let mut projects = grpc.projects();
    let request = SummarizeProjectsRequest { projects: vec![0], ..Default::default() };
    let told = "projects: must be a positive integer";
    assert_invalid(projects.summarize_projects(request).await, told);
    let request = ListSpidersRequest { project: 1, skip: -1, ..Default::default() };
    assert_invalid(projects.list_spiders(request).await, "skip: must not be negative");
    let get = |spider| GetSpiderRequest { project: 1, spider };
    let told = "spider: is required";
    assert_invalid(projects.get_spider(get(None)).await, told);
    let told = "spider: must be an id or a name";
    assert_invalid(projects.get_spider(get(Some(SpiderRef::default()))).await, told);
    let summarize = SummarizeQueueRequest {
        project: 1,
        spider: Some(SpiderRef::default()),
        ..Default::default()
    };
    assert_invalid(grpc.queue().summarize_queue(summarize).await, told);
    let told = "spider: must be a positive integer";
    assert_invalid(projects.get_spider(get(Some(by_number(0)))).await, told);
    let request = EnsureSpiderRequest { project: 1, name: String::new() };
    let told = "name: must be a spider's name: 1 to 255 bytes of text without control characters";
    assert_invalid(projects.ensure_spider(request).await, told);
    let none = UpdateSpiderRequest { project: 1, spider: Some(by_number(1)), ..Default::default() };
    let told = "update_mask: is required, or tag_changes";
    assert_invalid(projects.update_spider(none.clone()).await, told);
    let mask = |path: &str| Some(FieldMask { paths: vec![path.to_owned()] });
    let unknown = UpdateSpiderRequest { update_mask: mask("name"), ..none.clone() };
    let told = "update_mask: may only have tags and max_running";
    assert_invalid(projects.update_spider(unknown).await, told);
    let tag_changes = Some(TagChanges { add: vec!["a".into()], ..Default::default() });
    let both = UpdateSpiderRequest { update_mask: mask("tags"), tag_changes, ..none };
    let told = "tag_changes: must not stand beside tags in the update_mask";
    assert_invalid(projects.update_spider(both).await, told);
}

async fn settings(grpc: &Grpc) {
    for (name, known) in [("max_run", "max_running"), ("keep_finished_day", "keep_finished_days")] {
        let request = UpdateProjectSettingsRequest {
            project: 1,
            settings_json: texts([("mine", "1"), (name, "3")]),
            ..Default::default()
        };
        let told = format!("{name}: is not a setting of the service, but {known} is");
        assert_invalid(grpc.projects().update_project_settings(request).await, &told);
    }
}

async fn summaries(grpc: &Grpc) {
    let request =
        SummarizeQueueRequest { project: 1, jobs_per_state: Some(1001), ..Default::default() };
    let told = "jobs_per_state: must be from 0 to 1000";
    assert_invalid(grpc.queue().summarize_queue(request).await, told);
    let last = |spider, after_spider_id| ListLastJobsRequest {
        project: 1,
        spider,
        after_spider_id,
        ..Default::default()
    };
    let told = "spider_id: must be a positive integer";
    assert_invalid(grpc.queue().list_last_jobs(last(Some(by_number(-1)), 0)).await, told);
    let told = "after_spider_id: must be 0 or a spider's number";
    assert_invalid(grpc.queue().list_last_jobs(last(None, -1)).await, told);
}

/// Fields that programs read as JSON, by every call that writes metadata.
async fn unreadable_fields(grpc: &Grpc) {
    let (mut jobs, mut queue) = (grpc.jobs(), grpc.queue());
    let text = r#"{"a":["\ud800",1e400]}"#;
    let told = |name| {
        let accepted =
            "must have no half characters like \"\\ud800\" and no numbers beyond 1.8e308";
        format!("{name}: {accepted}")
    };
    let schedule = |job| ScheduleJobRequest { project: 1, job: Some(job), ..Default::default() };
    let job = NewJob { job_settings_json: text.to_owned(), ..job_of("s") };
    let status = jobs.schedule_job(schedule(job)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, &*told("job_settings")));
    for name in ["spider_args", "environment", "job_settings", "meta"] {
        let (told, key) = (told(name), "1/1/1".to_owned());
        let metadata_json = texts([(name, text)]);
        let job = NewJob { metadata_json: metadata_json.clone(), ..job_of("s") };
        assert_invalid(jobs.schedule_job(schedule(job.clone())).await, &told);
        let request = SetJobMetadataRequest {
            key: key.clone(),
            metadata_json: metadata_json.clone(),
            ..Default::default()
        };
        assert_invalid(jobs.set_job_metadata(request).await, &told);
        let request = UpdateJobsRequest {
            filter: by_keys([key.as_str()]),
            metadata_json: metadata_json.clone(),
            ..Default::default()
        };
        assert_invalid(jobs.update_jobs(request).await, &told);
        let request = StartJobRequest {
            project: 1,
            metadata_json: metadata_json.clone(),
            ..Default::default()
        };
        assert_invalid(queue.start_job(request).await, &told);
        let request = PushJobsRequest { project: 1, jobs: vec![job], ..Default::default() };
        let pushed = queue.push_jobs(request).await.unwrap().into_inner().results.remove(0);
        assert_eq!(pushed_key(pushed).unwrap_err().message, told);
        let updates = vec![JobUpdate { metadata_json, ..update_of(key) }];
        let request = UpdateQueueRequest { updates, ..Default::default() };
        let updated = queue.update_queue(request).await.unwrap().into_inner();
        assert_eq!(update_error(&updated.results[0]).unwrap().message, told);
    }
}

async fn revocations(grpc: &Grpc) {
    let none = grpc.api_keys().rotate_api_key(RotateApiKeyRequest::default()).await;
    assert_invalid(none, "id: is required");
    let negative = RotateApiKeyRequest { id: "x".into(), keep: span(-1_000) };
    let negative = grpc.api_keys().rotate_api_key(negative).await;
    assert_invalid(negative, "keep: must be from 0 to 2592000000 ms");
    let none = grpc.api_keys().revoke_api_key(RevokeApiKeyRequest::default()).await;
    assert_invalid(none, "id: is required");
    let unknown = grpc.api_keys().revoke_api_key(RevokeApiKeyRequest { id: "x".into() }).await;
    let unknown = unknown.unwrap_err();
    let told = (unknown.code(), unknown.message());
    assert_eq!(told, (Code::NotFound, "there is no key with this id"));
}

#[tokio::test]
async fn a_bad_field_is_refused_by_its_name_and_nothing_changes() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let grpc = stack.grpc();
        let http = stack.http();
        http.post("/jobq/1/push", r#"{"spider":"s"}"#).await.ok();
        let before = http.get("/jobs/1/1/1").await.ok().text();
        lists(&grpc).await;
        starts(&grpc).await;
        heartbeats(&grpc).await;
        pushes_and_updates(&grpc).await;
        updates_of_jobs(&grpc).await;
        api_keys(&grpc).await;
        revocations(&grpc).await;
        unreadable_fields(&grpc).await;
        projects(&grpc).await;
        settings(&grpc).await;
        summaries(&grpc).await;
        assert_eq!(http.get("/jobs/1/1/1").await.ok().text(), before);
        let all = "/jobq/1/count?state=pending&state=running&state=finished&state=deleted";
        assert_eq!(http.get(all).await.ok().json(), 1);
    })
    .await;
}
