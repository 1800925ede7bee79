//! Helpers of the unit tests: the domain over a store in memory, with a clock that stands still
//! until a test moves it.

use std::sync::Arc;

use super::{
    Domain, NamedFields, Outputs, PushJob, QueueUpdate, SettingsUpdate, SpiderRef, StartJob,
    StartedJob, UpdateTarget,
};
use crate::auth::{Auth, Caller};
use spiderq_core::{
    MemoryBudget,
    clock::ManualClock,
    error::Result,
    model::{
        Actor, ClaimFilter, Counters, FieldSelection, Job, JobKey, JsonText, Metadata, Millis,
        ProjectId, Role, SpiderName, State, TagChanges, Tags,
    },
    store::JobStore as _,
};
use spiderq_memory::MemoryStore;

/// The time at which tests begin, ms since the epoch.
pub(super) const NOW: u64 = 1_700_000_000_000;

/// The domain, and what it stands on.
pub(super) struct World {
    pub(super) domain: Arc<Domain>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) project: ProjectId,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_memory(MemoryBudget::unlimited())
    }

    /// With a bound on the memory of responses.
    pub(super) fn with_memory(memory: MemoryBudget) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::at(Millis(NOW))));
        let auth = Auth::new(store.clone(), clock.clone(), &[7; 32], None);
        let domain = Domain::new(store.clone(), clock.clone(), Arc::new(auth));
        let domain = domain.with_memory(memory);
        Self { domain: Arc::new(domain), store, clock, project: project(53) }
    }

    /// The same with output of jobs.
    pub(super) fn with_output(self, outputs: Outputs) -> Self {
        let domain = Domain::clone(&self.domain).with_output(outputs, "tests");
        Self { domain: Arc::new(domain), ..self }
    }

    /// Another process on the same store, with the same clock.
    pub(super) fn restarted(&self) -> Self {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let auth = Auth::new(store.clone(), clock.clone(), &[7; 32], None);
        let domain = Domain::new(store.clone(), clock.clone(), Arc::new(auth));
        Self { domain: Arc::new(domain), store, clock, project: self.project }
    }

    /// Moves the clock forward.
    pub(super) fn pass(&self, ms: u64) {
        self.clock.set(Millis(self.domain.now().0 + ms));
    }

    /// Pushes a job, which must be accepted.
    pub(super) async fn push(&self, job: PushJob) -> JobKey {
        let jobs = vec![Ok(job)];
        let pushed = self.domain.push_jobs(&caller(Role::User), self.project, jobs, None).await;
        pushed.unwrap().remove(0).unwrap().0
    }

    /// Pushes a job in this state; a running one has no lease.
    pub(super) async fn push_in(&self, state: State) -> JobKey {
        self.push(PushJob { state, ..push_job("books") }).await
    }

    /// Pushes that many pending jobs; their numbers are 1 and so on.
    pub(super) async fn push_many(&self, jobs: usize) {
        let jobs = (0..jobs).map(|_| Ok(push_job("books"))).collect();
        let pushed = self.domain.push_jobs(&caller(Role::User), self.project, jobs, None).await;
        assert!(pushed.unwrap().iter().all(Result::is_ok));
    }

    /// Pushes a job whose field `x` has so many bytes.
    pub(super) async fn push_large(&self, spider: &str, state: State, bytes: usize) -> JobKey {
        let metadata = metadata(&[("x", &format!("\"{}\"", "x".repeat(bytes - 2)))]);
        self.push(PushJob { metadata, state, ..push_job(spider) }).await
    }

    /// Starts the next pending job as a worker, with the default lease of 30 s.
    pub(super) async fn start(&self) -> StartedJob {
        let worker = caller(Role::Worker);
        let started = self.domain.start_job(&worker, start_job(self.project), None).await;
        started.unwrap().unwrap()
    }

    /// Sets one setting of the project.
    pub(super) async fn set(&self, name: &str, json: &str) {
        let set = metadata(&[(name, json)]);
        let update = SettingsUpdate { set, ..SettingsUpdate::default() };
        self.domain.update_settings(&caller(Role::User), self.project, update).await.unwrap();
    }

    /// The job with all its metadata, which must exist.
    pub(super) async fn job(&self, key: JobKey) -> Job {
        self.domain.get_job(&caller(Role::Read), key).await.unwrap()
    }

    pub(super) async fn state(&self, key: JobKey) -> State {
        self.job(key).await.state
    }

    /// Whether the job is there at all.
    pub(super) async fn exists(&self, key: JobKey) -> bool {
        let found = self.store.get(&[key], &FieldSelection::Row).await;
        found.unwrap()[0].is_some()
    }

    /// A job of the first spider of the project.
    pub(super) fn key(&self, job: u64) -> JobKey {
        JobKey::parse(&format!("{}/1/{job}", self.project)).unwrap()
    }

    /// The first so many jobs of the first spider.
    pub(super) fn keys(&self, jobs: u64) -> Vec<JobKey> {
        (1..=jobs).map(|job| self.key(job)).collect()
    }
}

pub(super) fn project(number: i64) -> ProjectId {
    ProjectId::new(number).unwrap()
}

/// The owner of an API key of this role, named as the role.
pub(super) fn caller(role: Role) -> Caller {
    let (id, name) = ("k".to_owned(), Actor::parse(role.as_str()).unwrap());
    Caller::Key { id, name, role, projects: None }
}

/// The bearer of the token of a started job.
pub(super) fn token_of(started: &StartedJob) -> Caller {
    let Job { key, attempt, .. } = started.job;
    Caller::Job { key, attempt, actor: Actor::parse("worker").unwrap() }
}

/// A pending job with nothing else.
pub(super) fn push_job(spider: &str) -> PushJob {
    PushJob {
        spider: SpiderRef::Name(spider_name(spider)),
        state: State::Pending,
        priority: None,
        units: None,
        tags: Tags::default(),
        unique: None,
        named: NamedFields::default(),
        metadata: Metadata::default(),
    }
}

/// A call for any job, which does not wait.
pub(super) fn start_job(project: ProjectId) -> StartJob {
    StartJob {
        project,
        filter: ClaimFilter::default(),
        spiders: Vec::new(),
        metadata: Metadata::default(),
        lease_ms: None,
        wait_ms: 0,
        deadline: None,
        credentials: None,
    }
}

/// An update of one job that changes nothing.
pub(super) fn queue_update(key: JobKey) -> QueueUpdate {
    QueueUpdate {
        target: UpdateTarget::Job(key),
        state: None,
        metadata: Metadata::default(),
        tags: TagChanges::default(),
        priority: None,
        units: None,
        counters: Counters::default(),
        fence: None,
        close_reason: None,
    }
}

pub(super) fn spider_name(text: &str) -> SpiderName {
    SpiderName::parse(text).unwrap()
}

pub(super) fn tags(texts: &[&str]) -> Tags {
    Tags::parse(texts).unwrap()
}

pub(super) fn metadata(fields: &[(&str, &str)]) -> Metadata {
    let mut metadata = Metadata::default();
    for (name, json) in fields {
        metadata.set(name, JsonText::parse(json).unwrap());
    }
    metadata
}

/// The JSON text of a field of the job.
pub(super) fn field<'a>(job: &'a Job, name: &str) -> Option<&'a str> {
    job.metadata.get(name).map(JsonText::as_str)
}

/// Who made the job's entry into `state`.
pub(super) fn entered_by(job: &Job, state: State) -> &str {
    job.entry(state).unwrap().actor.as_str()
}

/// The message of the error that a call must end with.
pub(super) fn message<T>(result: Result<T>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_else(|| "no error".to_owned())
}
