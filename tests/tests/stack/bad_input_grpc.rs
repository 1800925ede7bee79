//! Bad input over gRPC, for the fields that no HTTP parameter stands for: each is refused by its
//! name, and changes nothing. (`bad_input.rs` has those that HTTP shares.)

use spiderq_proto::v1::*;
use spiderq_tests::{Grpc, Stack};
use tonic::{Code, Response, Status};

use crate::{helpers::texts, on_each_store};

fn assert_invalid<T: std::fmt::Debug>(answer: Result<Response<T>, Status>, message: &str) {
    let status = answer.expect_err(message);
    let told = (status.code(), status.message());
    assert_eq!(told, (Code::InvalidArgument, message));
}

async fn lists(grpc: &Grpc) {
    let state = "state: must be pending, running, finished or deleted";
    let token = "page_token: must be the next_page_token of a page before";
    type Set = fn(&mut ListJobsRequest);
    let cases: [(Set, &str); 11] = [
        (|r| r.project = 0, "project: must be a positive integer"),
        (|r| r.page_size = 1001, "page_size: must be from 1 to 1000"),
        (|r| r.page_token = "2".into(), token),
        (|r| r.page_token = "9-1".into(), token),
        (|r| r.view = 9, "view: must be JOB_VIEW_ROW or JOB_VIEW_FULL"),
        (|r| r.order = 9, "order: must be LIST_ORDER_LATEST or LIST_ORDER_STATE"),
        (|r| filter(r).states = vec![9], state),
        (|r| filter(r).start_ts = -1, "start_ts: must be a time in ms since the epoch"),
        (|r| filter(r).end_ts = -1, "end_ts: must be a time in ms since the epoch"),
        (|r| filter(r).spiders = vec!["s".into(); 101], "spiders: may be given at most 100 times"),
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

fn filter(request: &mut ListJobsRequest) -> &mut JobFilter {
    request.filter.get_or_insert_default()
}

async fn starts(grpc: &Grpc) {
    let lease = "lease_ms: must be 0 (no lease) or from 1000 to 3600000";
    let id = "request_id: must be 1 to 128 bytes of text without control characters";
    type Set = fn(&mut StartJobRequest);
    let wait = "wait_ms: must be from 0 to 60000 (ms)";
    let cases: [(Set, &str); 11] = [
        (|r| r.lease_ms = Some(-1), lease),
        (|r| r.lease_ms = Some(999), lease),
        (|r| r.lease_ms = Some(3_600_001), lease),
        (|r| r.wait_ms = -1, wait),
        (|r| r.wait_ms = 60_001, wait),
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
            |r| r.spiders = vec![String::new()],
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
    let lease = "lease_ms: must be from 1000 to 3600000";
    let fence = "fence: must be the fence that StartJob answered";
    type Set = fn(&mut HeartbeatRequest);
    let cases: [(Set, &str); 5] = [
        (|r| r.key = "1/1".into(), "key: must be a job key like 53/7/81"),
        (|r| r.fence = String::new(), "fence: is required, or the job's own token"),
        (|r| r.fence = "F".repeat(32), fence),
        (|r| r.lease_ms = Some(0), lease),
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
    let most = CancelJobsRequest { oldest_pending: 100_001, ..cancel.clone() };
    let both =
        CancelJobsRequest { keys: vec!["1/1/1".into()], oldest_pending: 1, ..cancel.clone() };
    let count = "oldest_pending: must be from 1 to 100000";
    assert_invalid(grpc.queue().cancel_jobs(cancel).await, count);
    assert_invalid(grpc.queue().cancel_jobs(most).await, count);
    let both = grpc.queue().cancel_jobs(both).await;
    assert_invalid(both, "oldest_pending: must not stand beside keys");
    let update = |key: &str| JobUpdate { key: key.into(), ..Default::default() };
    let priority = JobUpdate { priority: Some(5), ..update("1/1/1") };
    let fence = JobUpdate { fence: "x".into(), ..update("1/1/1") };
    let request = UpdateQueueRequest {
        project: 1,
        updates: vec![priority, fence, update("x"), update("2/1")],
        request_id: String::new(),
    };
    let refused = grpc.queue().update_queue(request).await.unwrap().into_inner();
    let expected = [
        ("priority", "priority: must be an integer from 0 (lowest) to 4 (highest)"),
        ("fence", "fence: must be the fence that StartJob answered"),
        ("key", "key: must be a job key like 53/7/81 or a spider key like 53/7"),
        ("key", "key: must be a key of project 1"),
    ];
    let refusal = |(update, (field, message)): (u32, (&str, &str))| UpdatedJob {
        update,
        error: Some(JobError {
            code: job_error::Code::InvalidArgument.into(),
            message: message.into(),
            field: field.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(refused.results, (0..).zip(expected).map(refusal).collect::<Vec<_>>());
}

async fn updates_of_jobs(grpc: &Grpc) {
    let update = UpdateJobsRequest { project: 1, ..Default::default() };
    let metadata = texts([("n", "1")]);
    let keys = vec!["1/1/1".to_owned()];
    let by_state = JobFilter { states: vec![JobState::Deleted.into()], ..Default::default() };
    let by_no_state =
        JobFilter { states: vec![JobState::Unspecified.into()], ..Default::default() };
    let by_key = JobFilter { keys: keys.clone(), ..Default::default() };
    for (keys, filter, metadata, message) in [
        (vec![], None, metadata.clone(), "filter: is required, or keys"),
        (vec![], Some(JobFilter::default()), metadata.clone(), "filter: is required, or keys"),
        (vec![], Some(by_no_state), metadata.clone(), "filter: is required, or keys"),
        (vec![], Some(by_key), metadata, "filter.keys: must be empty; name the jobs in keys"),
        (vec![], Some(by_state), texts([]), "metadata: is required, or tags"),
        (keys, None, texts([]), "metadata: is required, or tags"),
    ] {
        let request = UpdateJobsRequest { keys, filter, metadata, ..update.clone() };
        assert_invalid(grpc.jobs().update_jobs(request).await, message);
    }
}

async fn keys(grpc: &Grpc) {
    let good = CreateKeyRequest { name: "ann".into(), role: Role::User.into(), projects: vec![1] };
    let name = "name: must be 1 to 64 bytes of text without control characters";
    let role = "role: must be read, worker, user or admin";
    for (request, message) in [
        (CreateKeyRequest { name: String::new(), ..good.clone() }, name),
        (CreateKeyRequest { name: "x".repeat(65), ..good.clone() }, name),
        (CreateKeyRequest { role: 0, ..good.clone() }, role),
        (CreateKeyRequest { role: 9, ..good.clone() }, role),
        (
            CreateKeyRequest { projects: vec![0], ..good.clone() },
            "projects: must be a positive integer",
        ),
        (
            CreateKeyRequest { role: Role::Admin.into(), ..good.clone() },
            "projects: must be empty for the role admin",
        ),
    ] {
        assert_invalid(grpc.keys().create_key(request).await, message);
    }
}

async fn projects(grpc: &Grpc) {
    let mut projects = grpc.projects();
    let request = SummarizeProjectsRequest { projects: vec![0] };
    let told = "projects: must be a positive integer";
    assert_invalid(projects.summarize_projects(request).await, told);
    let page = |start_after, count| ListSpidersRequest {
        project: 1,
        name: String::new(),
        start_after,
        count,
    };
    let told = "start_after: must be a positive integer";
    assert_invalid(projects.list_spiders(page(-1, 1)).await, told);
    let told = "count: must be from 1 to 1000";
    assert_invalid(projects.list_spiders(page(0, 1001)).await, told);
    let get = |spider, create| GetSpiderRequest { project: 1, spider, create };
    let told = "spider: is required: id or name";
    assert_invalid(projects.get_spider(get(None, false)).await, told);
    let id = |id| SpiderRef { spider: Some(spider_ref::Spider::Id(id)) };
    let told = "spider: must be a positive integer";
    assert_invalid(projects.get_spider(get(Some(id(0)), false)).await, told);
    let told = "create: goes with a name, not with a number";
    assert_invalid(projects.get_spider(get(Some(id(1)), true)).await, told);
    let none = UpdateSpiderTagsRequest { project: 1, spider: Some(id(1)), ..Default::default() };
    let told = "add: is required, or remove";
    assert_invalid(projects.update_spider_tags(none).await, told);
    let delete = |names: &[&str], all| DeleteSettingsRequest {
        project: 1,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        all,
    };
    let told = "names: at least one is required";
    assert_invalid(projects.delete_settings(delete(&[], false)).await, told);
    let told = "all: must not stand beside names";
    assert_invalid(projects.delete_settings(delete(&["a"], true)).await, told);
}

async fn settings(grpc: &Grpc) {
    for (name, known) in [("max_run", "max_running"), ("keep_finished_day", "keep_finished_days")] {
        let settings = texts([("mine", "1"), (name, "3")]);
        let request = SetSettingsRequest { project: 1, settings };
        let told = format!("{name}: is not a setting of the service, but {known} is");
        assert_invalid(grpc.projects().set_settings(request).await, &told);
    }
}

async fn summaries(grpc: &Grpc) {
    let count = "count: must be from 0 to 1000";
    let request = SummarizeQueueRequest { project: 1, count: Some(1001), ..Default::default() };
    assert_invalid(grpc.queue().summarize_queue(request).await, count);
    let last = |spider_id, count| ListLastJobsRequest {
        project: 1,
        spider_id,
        count,
        ..Default::default()
    };
    let told = "spider_id: must be a positive integer";
    assert_invalid(grpc.queue().list_last_jobs(last(-1, 1)).await, told);
    let told = "count: must be from 1 to 1000";
    assert_invalid(grpc.queue().list_last_jobs(last(0, 1001)).await, told);
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
    let schedule = |job_settings| ScheduleJobRequest {
        project: 1,
        spider: "s".into(),
        job_settings,
        ..Default::default()
    };
    let settings = schedule(Some(text.to_owned()));
    assert_invalid(jobs.schedule_job(settings).await, &told("job_settings"));
    for name in ["spider_args", "environment", "job_settings", "meta"] {
        let (told, key) = (told(name), "1/1/1".to_owned());
        let metadata = texts([(name, text)]);
        let request = ScheduleJobRequest { metadata: metadata.clone(), ..schedule(None) };
        assert_invalid(jobs.schedule_job(request).await, &told);
        let request = SetJobMetadataRequest { key: key.clone(), metadata, ..Default::default() };
        assert_invalid(jobs.set_job_metadata(request.clone()).await, &told);
        let SetJobMetadataRequest { metadata, .. } = request;
        let (keys, project) = (vec![key.clone()], 1);
        let request =
            UpdateJobsRequest { project, keys, metadata: metadata.clone(), ..Default::default() };
        assert_invalid(jobs.update_jobs(request).await, &told);
        let request = StartJobRequest { project, metadata: metadata.clone(), ..Default::default() };
        assert_invalid(queue.start_job(request).await, &told);
        let job = NewJob { spider: "s".into(), metadata: metadata.clone(), ..Default::default() };
        let request = PushJobsRequest { project, jobs: vec![job], ..Default::default() };
        let pushed = queue.push_jobs(request).await.unwrap().into_inner().results.remove(0);
        let Some(pushed_job::Result::Error(error)) = pushed.result else { panic!("{pushed:?}") };
        assert_eq!(error.message, told);
        let updates = vec![JobUpdate { key, metadata, ..Default::default() }];
        let request = UpdateQueueRequest { project, updates, ..Default::default() };
        let updated = queue.update_queue(request).await;
        let message = match updated {
            Ok(response) => response.into_inner().results.remove(0).error.unwrap().message,
            Err(status) => status.message().to_owned(),
        };
        assert_eq!(message, told);
    }
}

async fn revocations(grpc: &Grpc) {
    let unknown = grpc.keys().revoke_key(RevokeKeyRequest { id: "x".into() }).await;
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
        keys(&grpc).await;
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
