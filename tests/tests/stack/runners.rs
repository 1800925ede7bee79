//! Runners that register, how they are listed, and what is told of jobs that none can run.

use serde_json::{Value, json};
use spiderq_proto::v1::{
    ListRunnersRequest, RegisterRunnerRequest, ReportRunnerRequest, Runner, RunnerSpiders,
    RunnerState, RunnerStatus, ScheduleJobRequest, schedule_warning::Reason,
};
use spiderq_tests::{Grpc, Stack, job_of};
use tonic::Code;

use crate::{helpers::NOW, on_each_store};

fn runner(id: &str, units: i32) -> Runner {
    Runner {
        id: id.to_owned(),
        name: format!("{id}@host"),
        version: "1.2".to_owned(),
        projects: vec![1, 2],
        units,
        spiders: Some(RunnerSpiders { names: vec!["books".to_owned(), "quotes".to_owned()] }),
        start_time: Some(spiderq_proto::time::timestamp(1_500)),
        ..Runner::default()
    }
}

fn status(state: RunnerState) -> RunnerStatus {
    let state = state.into();
    RunnerStatus { state, running_jobs: 1, running_units: 2, ..RunnerStatus::default() }
}

async fn register(grpc: &Grpc, runner: Runner) {
    let status = Some(status(RunnerState::Active));
    let request = RegisterRunnerRequest { runner: Some(runner), status };
    grpc.runners().register_runner(request).await.unwrap();
}

async fn report(grpc: &Grpc, id: &str, state: RunnerState) {
    let request = ReportRunnerRequest { id: id.to_owned(), status: Some(status(state)) };
    grpc.runners().report_runner(request).await.unwrap();
}

#[tokio::test]
async fn runners_are_listed_over_both_apis() {
    on_each_store(async |kind| {
        let stack = Stack::at(kind, NOW).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let list = "/api/runners.json";
        assert_eq!(http.get(list).await.ok().json(), json!({"status": "ok", "runners": []}));
        let full = Runner {
            only_spiders: vec!["books".to_owned()],
            has_tags: vec!["x".to_owned()],
            lacks_tags: vec!["y".to_owned()],
            ..runner("b", 4)
        };
        register(&grpc, full.clone()).await;
        register(&grpc, Runner { spiders: None, projects: vec![3], ..runner("a", 1) }).await;
        report(&grpc, "a", RunnerState::Draining).await;
        let a = json!({
            "id": "a", "name": "a@host", "state": "draining", "version": "1.2", "projects": [3],
            "only_spiders": [], "has_tags": [], "lacks_tags": [], "units": 1, "running_units": 2,
            "running_jobs": 1, "spiders": null, "free_disk_bytes": null, "start_time": 1_500,
            "report_time": NOW,
        });
        let b = json!({
            "id": "b", "name": "b@host", "state": "active", "version": "1.2", "projects": [1, 2],
            "only_spiders": ["books"], "has_tags": ["x"], "lacks_tags": ["y"], "units": 4,
            "running_units": 2, "running_jobs": 1, "spiders": ["books", "quotes"],
            "free_disk_bytes": null, "start_time": 1_500, "report_time": NOW,
        });
        let all = http.get(list).await.ok().json();
        assert_eq!(all, json!({"status": "ok", "runners": [a, b]}));
        let of_two = http.get("/api/runners.json?project=2").await.ok().json();
        assert_eq!(of_two, json!({"status": "ok", "runners": [b]}));
        let bad = http.get("/api/runners.json?project=0").await;
        assert_eq!((bad.status, bad.json()["status"].clone()), (400, json!("badrequest")));

        let request = ListRunnersRequest { project: 1, ..ListRunnersRequest::default() };
        let listed = grpc.runners().list_runners(request).await.unwrap().into_inner().runners;
        let report_time = Some(spiderq_proto::time::timestamp(i64::try_from(NOW).unwrap()));
        let now = RunnerStatus { report_time, ..status(RunnerState::Active) };
        assert_eq!(listed, [Runner { status: Some(now), ..full }]);

        report(&grpc, "b", RunnerState::Stopped).await;
        let left = http.get(list).await.ok().json();
        assert_eq!(left, json!({"status": "ok", "runners": [a]}));
        let gone = http.get("/api/runners.json?gone=1").await.ok().json();
        assert_eq!(gone["runners"][1]["state"], "stopped");
    })
    .await;
}

/// Lists of spiders take memory: a page has 1 MiB of runners.
#[tokio::test]
async fn many_runners_come_in_pages() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let names: Vec<String> = (0..10_000).map(|n| format!("spider-{n:011}")).collect();
        for id in ["a", "b", "c", "d", "e", "f"] {
            let spiders = Some(RunnerSpiders { names: names.clone() });
            register(&grpc, Runner { spiders, ..runner(id, 1) }).await;
        }
        let ids = |page: &Value| -> Vec<String> {
            let listed = page["runners"].as_array().unwrap();
            listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
        };
        let first = http.get("/api/runners.json?project=1").await.ok().json();
        let token = first["next_page_token"].as_str().unwrap();
        let path = format!("/api/runners.json?project=1&page_token={token}").replace(' ', "+");
        let second = http.get(&path).await.ok().json();
        assert_eq!((ids(&first), ids(&second)), (texts(&["a", "b", "c", "d"]), texts(&["e", "f"])));
        assert_eq!(first["runners"][0]["spiders"], json!(names));
        assert_eq!(second["next_page_token"], Value::Null);
        let other = http.get(&path.replace("project=1", "project=2")).await;
        let message = "page_token: must be the next_page_token of a page before, with the same \
                       request";
        assert_eq!((other.status, other.json()["message"].clone()), (400, json!(message)));
        let request = ListRunnersRequest { page_size: 5, ..ListRunnersRequest::default() };
        let listed = grpc.runners().list_runners(request).await.unwrap().into_inner();
        assert_eq!((listed.runners.len(), listed.next_page_token.is_empty()), (4, false));
    })
    .await;
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn a_runner_that_is_not_known_is_told_to_register() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let status = Some(status(RunnerState::Active));
        let request = ReportRunnerRequest { id: "x".to_owned(), status };
        let refused = stack.grpc().runners().report_runner(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        assert_eq!(refused.message(), "there is no runner x: register it");
    })
    .await;
}

#[tokio::test]
async fn a_job_that_nobody_can_run_is_told_and_may_be_refused() {
    on_each_store(async |kind| {
        let stack = Stack::start(kind).await;
        let (grpc, http) = (stack.grpc(), stack.http());
        let run = async |spider: &str, units: &str| -> Value {
            let fields = [("project", "1"), ("spider", spider), ("units", units)];
            http.form("/api/run.json", &fields).await.json()
        };
        let first = run("boks", "1").await;
        assert_eq!(first, json!({"status": "ok", "jobid": "1/1/1"}), "no runner ever registered");
        register(&grpc, runner("r", 2)).await;
        assert_eq!(run("books", "2").await, json!({"status": "ok", "jobid": "1/2/1"}));
        let warned = run("quotes", "3").await;
        let large = "no runner has as many units; the largest that takes this job has 2";
        let expected = json!({"status": "ok", "jobid": "1/3/1", "warnings": [large]});
        assert_eq!(warned, expected);
        let warned = run("bokos", "1").await;
        let unknown = "no runner has the spider bokos";
        let expected = json!({"status": "ok", "jobid": "1/4/1", "warnings": [unknown]});
        assert_eq!(warned, expected);
        let job = Some(job_of("other"));
        let request = ScheduleJobRequest { project: 3, job, ..ScheduleJobRequest::default() };
        let scheduled = grpc.jobs().schedule_job(request).await.unwrap().into_inner();
        let reasons: Vec<Reason> = scheduled.warnings.iter().map(|one| one.reason()).collect();
        assert_eq!(reasons, [Reason::UnknownSpider, Reason::NoRunner]);

        let fields = [("project", "2"), ("spider", "boks")];
        http.form("/api/run.json", &fields).await.ok();
        // It holds at once, also where the project was in use.
        http.post("/projects/2/settings/spiders", r#""known""#).await.ok();
        let refused = http.form("/api/run.json", &fields).await;
        let message = "spider: must be one that a runner of project 2 has, as its setting \
                       spiders=known says; did you mean books?";
        let expected = json!({"status": "badrequest", "message": message});
        assert_eq!((refused.status, refused.json()), (400, expected));
        let lines = [r#"{"spider": "boks"}"#, r#"{"spider": "books"}"#].join("\n");
        let pushed = http.post("/jobq/2/push", lines).await.ok();
        assert_eq!(pushed.column("error")[0], message);
        assert_eq!(pushed.column("key")[1], "2/2/1");
    })
    .await;
}
