//! Callers of every kind, and jobs for them to make calls about.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use spiderq_proto::v1::{
    CreateApiKeyRequest, CreateSessionRequest, JobState, JobUpdate, NewJob, PushJobsRequest,
    RegisterRunnerRequest, Role, RunnerState, RunnerStatus, StartJobRequest, UpdateQueueRequest,
};
use spiderq_tests::{Grpc, Http, Stack, by_name, job_of, pushed_key, update_of};

use super::{
    calls::{Target, runner, state_needed},
    table::{Cell, Row},
};

const MINE: i64 = 1;
const FOREIGN: i64 = 2;

/// What a call comes with.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) http: Http,
    pub(super) authorization: Option<String>,
}

/// A stack with a key of every role for [`MINE`].
pub(super) struct World {
    pub(super) stack: Stack,
    keys: [Caller; 4],
    /// Starts jobs in the name of the worker's key, in any project.
    starter: Grpc,
    jobs: AtomicU32,
}

impl World {
    pub(super) async fn new(stack: Stack) -> Self {
        let key = async |name: &str, role, projects: &[i64]| {
            let key = stack.create_key(name, role, projects).await;
            Caller { http: stack.http().bearer(&key), authorization: Some(format!("Bearer {key}")) }
        };
        let keys = [
            key("read", Role::Read, &[MINE]).await,
            key("worker", Role::Worker, &[MINE]).await,
            key("user", Role::User, &[MINE]).await,
            key("admin", Role::Admin, &[]).await,
        ];
        let starter = stack.create_key("worker", Role::User, &[]).await;
        for project in [MINE, FOREIGN] {
            let status = RunnerStatus { state: RunnerState::Active.into(), ..Default::default() };
            let (runner, status) = (Some(runner(project)), Some(status));
            let request = RegisterRunnerRequest { runner, status };
            stack.grpc().runners().register_runner(request).await.unwrap();
        }
        Self { starter: Grpc::new(&stack.url, &starter), stack, keys, jobs: AtomicU32::new(0) }
    }

    /// The same, whose keys come as the sessions of browsers.
    pub(super) async fn with_sessions(stack: Stack) -> Self {
        let mut world = Self::new(stack).await;
        for caller in &mut world.keys {
            let key = caller.authorization.as_deref().unwrap().trim_start_matches("Bearer ");
            let grpc = Grpc::new(&world.stack.url, key);
            let made = grpc.api_keys().create_session(CreateSessionRequest {}).await.unwrap();
            let session = made.into_inner().session;
            caller.http = caller.http.bearer(&session);
            caller.authorization = Some(format!("Bearer {session}"));
        }
        world
    }

    fn nobody(&self) -> Caller {
        Caller { http: self.stack.http().anonymous(), authorization: None }
    }

    fn token(&self, job: &Target) -> Caller {
        let basic = STANDARD.encode(format!("{}:{}", job.key, job.token));
        Caller {
            http: self.stack.http().basic(&job.key, &job.token),
            authorization: Some(format!("Basic {basic}")),
        }
    }

    /// A job of a spider of its own; running ones are started by `starter`.
    async fn job(&self, project: i64, state: JobState, starter: &Grpc) -> Target {
        let n = self.jobs.fetch_add(1, Ordering::Relaxed);
        let spider = format!("job{n}");
        let runs = matches!(state, JobState::Running | JobState::Finished);
        let push = PushJobsRequest {
            project,
            jobs: vec![NewJob {
                state: if runs { JobState::Pending } else { state }.into(),
                ..job_of(&spider)
            }],
            ..PushJobsRequest::default()
        };
        let pushed = self.stack.grpc().queue().push_jobs(push).await.unwrap();
        let key = pushed_key(pushed.into_inner().results.remove(0)).unwrap();
        let mut target = Target { project, key, n, ..Target::default() };
        if runs {
            let start = StartJobRequest {
                project,
                spiders: vec![by_name(&spider)],
                ..StartJobRequest::default()
            };
            let started = starter.queue().start_job(start).await.unwrap().into_inner();
            (target.fence, target.token) = (started.fence, started.token);
        }
        if state == JobState::Finished {
            self.finish(&target).await;
        }
        target
    }

    async fn finish(&self, job: &Target) {
        let update = JobUpdate { state: JobState::Finished.into(), ..update_of(&job.key) };
        let request = UpdateQueueRequest { updates: vec![update], ..UpdateQueueRequest::default() };
        self.stack.grpc().queue().update_queue(request).await.unwrap();
    }

    /// The callers of a column, what each calls about, and the outcome that must follow.
    pub(super) async fn cases(&self, row: &Row, column: usize) -> Vec<(Caller, Target, Cell)> {
        let cell = row.cells[column];
        let state = state_needed(&row.call);
        let starter = &self.starter;
        match column {
            0 => vec![(self.nobody(), self.job(MINE, state, starter).await, cell)],
            1..=4 => {
                let caller = &self.keys[column - 1];
                let target = self.job(MINE, state, starter).await;
                let Cell::Own = cell else {
                    return vec![(caller.clone(), target, cell)];
                };
                let others = self.job(MINE, state, &self.stack.grpc()).await;
                vec![(caller.clone(), target, Cell::Yes), (caller.clone(), others, Cell::Forbidden)]
            }
            5 => {
                let mut cases = Vec::new();
                for caller in &self.keys[..3] {
                    let target = self.job(FOREIGN, state, starter).await;
                    cases.push((caller.clone(), target, cell));
                }
                cases
            }
            6 | 7 => {
                let target = self.job(MINE, JobState::Running, starter).await;
                let mut holder = self.token(&target);
                if column == 7 {
                    holder = self.token(&self.job(MINE, JobState::Running, starter).await);
                }
                vec![(holder, target, cell)]
            }
            _ => {
                let target = self.job(MINE, JobState::Finished, starter).await;
                vec![(self.token(&target), target, cell)]
            }
        }
    }

    /// The id of a key that nobody needs.
    pub(super) async fn revocable(&self) -> String {
        let key = CreateApiKeyRequest {
            owner: "to be revoked".to_owned(),
            role: Role::Read.into(),
            all_projects: true,
            ..CreateApiKeyRequest::default()
        };
        let made = self.stack.grpc().api_keys().create_api_key(key).await.unwrap();
        made.into_inner().api_key.unwrap().id
    }
}
