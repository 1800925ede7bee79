//! Helpers of the cases: a project of their own in a store, and short ways to write a job or a
//! change.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use spiderq_core::{
    model::{
        Actor, ClaimFilter, Counters, Fence, FieldName, FieldSelection, Filter, Job, JobId, JobKey,
        JsonText, Metadata, Millis, Position, Priority, ProjectId, SpiderId, SpiderName, State,
        Tag, Tags, UniqueKey, Units,
    },
    store::{
        Change, Changed, Claimed, Effect, Holder, MAX_BATCH, NewAttempt, NewJob, Pushed,
        RequestDigest, SettingsChange, Step, Store,
    },
};

/// The time at which cases begin, ms since the epoch.
pub const T: u64 = 1_700_000_000_000;

/// A project of one case, in a store that other cases may use too.
#[derive(Clone, Debug)]
pub struct World {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The project.
    pub project: ProjectId,
}

impl World {
    /// A new project in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Test processes may share a server: each has a range of project numbers of its own.
        let number = u64::from(std::process::id()) << 24 | NEXT.fetch_add(1, Ordering::Relaxed);
        let project = ProjectId::new((number + 1).cast_signed()).unwrap();
        Self { store, project }
    }

    /// Pushes `jobs` at `now`.
    pub async fn push(&self, now: u64, jobs: Vec<NewJob>) -> Vec<Pushed> {
        let pushed = self.store.push(self.project, jobs, Millis(now), None);
        pushed.await.unwrap()
    }

    /// Pushes one job, which must be added.
    pub async fn add(&self, now: u64, job: NewJob) -> JobKey {
        match self.push(now, vec![job]).await[..] {
            [Pushed::Added(key)] => key,
            ref other => panic!("not added: {other:?}"),
        }
    }

    /// Claims of any spider.
    pub async fn claim(&self, now: u64) -> Option<Claimed> {
        self.claim_of(now, &[]).await
    }

    /// Claims of these spiders.
    pub async fn claim_of(&self, now: u64, spiders: &[SpiderName]) -> Option<Claimed> {
        let wanted = ClaimFilter { spiders: spiders.to_vec(), ..ClaimFilter::default() };
        self.claim_wanted(now, &wanted).await
    }

    /// Claims a job that the filter allows.
    pub async fn claim_wanted(&self, now: u64, wanted: &ClaimFilter) -> Option<Claimed> {
        let effect = starting();
        let claimed = self.store.claim(self.project, wanted, &effect, Millis(now), None);
        claimed.await.unwrap()
    }

    /// Sets these settings of the project.
    pub async fn set(&self, settings: &[(&str, &str)]) {
        let change = SettingsChange::Merge(metadata(settings));
        let done = self.store.change_settings(self.project, change);
        assert!(done.await.unwrap());
    }

    /// Applies `changes`, each on its own. The answers are without the time of the write.
    pub async fn change(&self, now: u64, changes: Vec<Change>) -> Vec<Changed> {
        let changed = self.store.change(self.project, changes, false, Millis(now), None);
        untimed(changed.await.unwrap())
    }

    /// Applies one change, which must not be refused.
    pub async fn apply(&self, now: u64, change: Change) {
        let changed = self.change(now, vec![change]).await;
        assert!(matches!(changed[..], [Changed::Applied { .. }]), "{changed:?}");
    }

    /// The job with all its metadata.
    pub async fn job(&self, key: JobKey) -> Option<Job> {
        let jobs = self.store.get(&[key], &FieldSelection::Full).await.unwrap();
        let [job] = <[Option<Job>; 1]>::try_from(jobs).unwrap();
        job
    }

    /// All keys that match, in the order of the list, page by page.
    pub async fn list(&self, filter: &Filter) -> Vec<JobKey> {
        let mut filter = filter.clone();
        let mut keys = Vec::new();
        loop {
            let page = self
                .store
                .page(self.project, &filter, MAX_BATCH, &FieldSelection::Row)
                .await
                .unwrap();
            keys.extend(page.jobs.iter().map(|job| job.key));
            match page.next {
                Some(next) => {
                    assert!(
                        filter.until.is_none_or(|until| next < until),
                        "the next page is further on"
                    );
                    filter.until = Some(next);
                }
                None => return keys,
            }
        }
    }

    /// The list without its first jobs, as many as `most`; and how many those were.
    pub async fn list_after(&self, filter: &Filter, most: u64) -> (u64, Vec<JobKey>) {
        let (mut rest, mut passed) = (filter.clone(), 0);
        while passed < most {
            let skipped = self.store.skip(self.project, &rest, most - passed).await.unwrap();
            passed += skipped.jobs;
            assert!(passed <= most, "{passed} of {most}");
            match skipped.next {
                Some(next) => {
                    assert!(rest.until.is_none_or(|until| next < until), "the rest is further on");
                    rest.until = Some(next);
                }
                None => return (passed, Vec::new()),
            }
        }
        (passed, self.list(&rest).await)
    }

    /// How many match.
    pub async fn count(&self, filter: &Filter) -> u64 {
        self.store.count(self.project, filter).await.unwrap()
    }

    /// A key of this project.
    #[must_use]
    pub fn key(&self, spider: i64, job: i64) -> JobKey {
        JobKey {
            project: self.project,
            spider: SpiderId::new(spider).unwrap(),
            job: JobId::new(job).unwrap(),
        }
    }
}

/// A pending job of `spider` with nothing else.
#[must_use]
pub fn pending(spider: &str) -> NewJob {
    NewJob {
        spider: name(spider),
        state: State::Pending,
        scheduled: false,
        spider_tags: false,
        actor: actor("pusher"),
        priority: Priority::default(),
        units: Units::default(),
        tags: Tags::default(),
        unique: None,
        counters: Counters::default(),
        metadata: Metadata::default(),
        start: None,
    }
}

/// A job of `spider` that begins in `state`.
#[must_use]
pub fn in_state(spider: &str, state: State) -> NewJob {
    NewJob { state, start: (state == State::Running).then(|| start(None)), ..pending(spider) }
}

/// A pending job of `spider` with these tags.
#[must_use]
pub fn tagged(spider: &str, texts: &[&str]) -> NewJob {
    NewJob { tags: tags(texts), ..pending(spider) }
}

/// A pending job of `spider` with this unique value.
#[must_use]
pub fn unique(spider: &str, value: &str) -> NewJob {
    NewJob { unique: Some(UniqueKey::of_value(value)), ..pending(spider) }
}

/// A pending job of `spider` with this priority.
#[must_use]
pub fn ranked(spider: &str, number: i64) -> NewJob {
    NewJob { priority: priority(number), ..pending(spider) }
}

/// A job of `spider` that begins in `state`, with so many units.
#[must_use]
pub fn weighing(spider: &str, state: State, units: i64) -> NewJob {
    NewJob { units: Units::new(units).unwrap(), ..in_state(spider, state) }
}

/// Enters running with a new attempt, by `worker`.
#[must_use]
pub fn starting() -> Effect {
    Effect {
        enter: Some((State::Running, actor("worker"))),
        start: Some(start(None)),
        ..Effect::default()
    }
}

/// Enters `state` and releases what a running job holds, by `ender`.
#[must_use]
pub fn entering(state: State) -> Effect {
    Effect { enter: Some((state, actor("ender"))), release: true, ..Effect::default() }
}

/// Applies `effect` to the job in whatever state it is.
#[must_use]
pub fn always(key: JobKey, effect: Effect) -> Change {
    Change {
        key,
        holder: Holder::Anyone,
        unchanged_since: None,
        on: [Step::Apply(0); 4],
        effects: vec![effect],
    }
}

/// Finishes the job.
#[must_use]
pub fn finish(key: JobKey) -> Change {
    always(key, entering(State::Finished))
}

/// Puts the job back at the front of the queue, as scheduled by `pusher`.
#[must_use]
pub fn requeue(key: JobKey) -> Change {
    let effect = Effect {
        enter: Some((State::Pending, actor("pusher"))),
        front: true,
        release: true,
        ..Effect::default()
    };
    always(key, effect)
}

/// Deletes the job.
#[must_use]
pub fn delete(key: JobKey) -> Change {
    always(key, entering(State::Deleted))
}

/// A new attempt with a new fence.
#[must_use]
pub fn start(lease_expires: Option<u64>) -> NewAttempt {
    NewAttempt { fence: Fence::random().unwrap(), lease_expires: lease_expires.map(Millis) }
}

/// A request id, the same for the same texts.
#[must_use]
pub fn request(id: &str, asked: &str) -> RequestDigest {
    let digest = |text: &str| UniqueKey::of_value(text).as_str().to_owned();
    RequestDigest {
        id: digest(id),
        fingerprint: digest(asked),
        expires: Millis(T + spiderq_core::limits::REQUEST_ID_TTL_MS),
    }
}

/// The answer to a change of a job that was not asked to stop, without the time of the write.
#[must_use]
pub const fn applied(previous: State, attempt: u32) -> Changed {
    Changed::Applied { previous, attempt, stop_requested: false, written: Millis(0) }
}

/// The answers without the times of the writes.
#[must_use]
pub fn untimed(mut changed: Vec<Changed>) -> Vec<Changed> {
    for one in &mut changed {
        if let Changed::Applied { written, .. } = one {
            *written = Millis(0);
        }
    }
    changed
}

/// All jobs in these states.
#[must_use]
pub fn those(states: &[State]) -> Filter {
    Filter { states: states.iter().copied().collect(), ..Filter::default() }
}

/// Metadata of these fields.
#[must_use]
pub fn metadata(fields: &[(&str, &str)]) -> Metadata {
    let field = |(name, json): &(&str, &str)| (field_name(name), JsonText::parse(json).unwrap());
    fields.iter().map(field).collect()
}

/// The position with number `n` among those of the millisecond `time`.
#[must_use]
pub const fn place(time: u64, n: u64) -> Position {
    Position(time * Position::PER_MS + n)
}

/// A spider's name.
#[must_use]
pub fn name(text: &str) -> SpiderName {
    SpiderName::parse(text).unwrap()
}

/// An actor.
#[must_use]
pub fn actor(text: &str) -> Actor {
    Actor::parse(text).unwrap()
}

/// Tags.
#[must_use]
pub fn tags(texts: &[&str]) -> Tags {
    Tags::parse(texts).unwrap()
}

/// Tags, for a filter.
#[must_use]
pub fn tag_list(texts: &[&str]) -> Vec<Tag> {
    texts.iter().map(|text| Tag::parse(text).unwrap()).collect()
}

/// A field's name.
#[must_use]
pub fn field_name(text: &str) -> FieldName {
    FieldName::parse(text).unwrap()
}

/// A priority.
#[must_use]
pub fn priority(number: i64) -> Priority {
    Priority::new(number).unwrap()
}

/// Texts that would be taken for something else in keys, patterns, paths or scripts.
#[must_use]
pub fn hostile_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        ":",
        "{x}",
        "*",
        "?",
        "[a-z]",
        "/",
        "%2F",
        "a b",
        "'; DROP TABLE jobs; --",
        "\"",
        "\\",
        "\u{202e}abc",
        "__proto__",
        "constructor",
        "id",
        "é",
        "e\u{301}",
        "日本",
        "🕷",
        "0",
        "null",
        "A",
        "a",
        " a",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("x".repeat(128));
    texts.push(format!("{}y", "x".repeat(127)));
    texts
}
