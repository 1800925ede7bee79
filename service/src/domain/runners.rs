//! Runners: they register once, then report how they are. What is known of them is remembered for
//! seconds, since each job that is scheduled is compared with it (`known_spiders.rs`).

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Domain, runner_room};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, ResourceKind, Result},
    limits::RUNNER_LOST_AFTER,
    model::{Millis, Role, Runner, RunnerId, RunnerState, RunnerStatus, SpiderNames},
};

/// How long a look at all runners is good for.
const LOOK_TTL: Duration = Duration::from_secs(5);
/// Runners that are read from the store in one step.
const RUNNERS_AT_ONCE: usize = 16;

/// A runner and how it is.
#[derive(Clone, Debug)]
pub struct ListedRunner {
    /// What tells its process from others.
    pub id: RunnerId,
    /// What it said once.
    pub runner: Arc<Runner>,
    /// How it is, as it said last.
    pub status: RunnerStatus,
    /// Whether it should have said something since, and has not.
    pub is_lost: bool,
}

impl ListedRunner {
    /// Whether it takes jobs now.
    pub(super) fn is_active(&self) -> bool {
        self.status.state == RunnerState::Active && !self.is_lost
    }

    /// Whether it is there, even if it takes no more jobs.
    pub(super) fn is_there(&self) -> bool {
        self.status.state != RunnerState::Stopped && !self.is_lost
    }

    /// Its place in lists.
    pub(super) fn place(&self) -> (&str, &RunnerId) {
        (&self.runner.name, &self.id)
    }
}

/// All runners that are kept, as a look at the store has found them.
pub(super) type Runners = Arc<Vec<ListedRunner>>;

/// What the domain remembers of runners.
#[derive(Debug, Default)]
pub(super) struct SeenRunners(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// When somebody looked last, and what was there.
    last_look: Option<(Instant, Runners)>,
    /// What a runner says once does not change.
    runners: HashMap<RunnerId, Arc<Runner>>,
    /// Spiders that runners have. Those of equal code share one list.
    names: HashSet<SpiderNames>,
}

impl Domain {
    /// Keeps a runner, which reports how it is from now on. The caller must reach all its projects.
    /// An id belongs to who registered it first, with what was said then.
    pub async fn register_runner(
        &self,
        caller: &Caller,
        id: RunnerId,
        runner: Runner,
        status: RunnerStatus,
    ) -> Result<()> {
        may_run(caller, &runner)?;
        runner.check()?;
        let runner = Runner { owner: caller.account(), ..runner };
        let kept = self.look_at_runners().await?;
        match kept.iter().find(|listed| listed.id == id) {
            Some(before) if *before.runner != runner => {
                return Err(Error::invalid("id", "is that of another runner; choose another one"));
            }
            Some(before) if before.is_there() => {}
            Some(_) | None => runner_room::check_room(&kept, &runner)?,
        }
        let status = RunnerStatus { reported: self.now(), ..status };
        self.store.put_runner(&id, runner, status).await?;
        // Nobody can fill the store with them between two rounds of upkeep.
        self.forget_runners().await
    }

    /// Keeps how a runner is. [`Error::NotFound`]: it must register first.
    pub async fn report_runner(
        &self,
        caller: &Caller,
        id: RunnerId,
        status: RunnerStatus,
    ) -> Result<()> {
        // Whoever may not run jobs learns nothing of which runners there are.
        caller.has_role(Role::Worker)?;
        let known = self.read_runners(std::slice::from_ref(&id)).await?;
        let Some(runner) = known.get(&id) else { return Err(no_runner(&id)) };
        // Names no project: the caller may not know which the runner has.
        may_run(caller, runner).map_err(|_| {
            Error::forbidden("this key does not reach all projects of the runner with this id")
        })?;
        let status = RunnerStatus { reported: self.now(), ..status };
        if self.store.set_runner_status(&id, status).await? {
            return Ok(());
        }
        self.seen_runners.lock().runners.remove(&id);
        Err(no_runner(&id))
    }

    /// All runners that are kept, as they were within the last [`LOOK_TTL`]; where the store can't
    /// be asked, as they were before, or none. It may be another server than that of the project:
    /// its failure holds up one call of each [`LOOK_TTL`].
    pub(super) async fn recent_runners(&self) -> Runners {
        if let Some(runners) = self.seen_runners.recent() {
            return runners;
        }
        match self.look_at_runners().await {
            Ok(runners) => runners,
            Err(error) => {
                tracing::debug!(%error, cause = error.cause(), "runners not read");
                self.seen_runners.keep_for_longer()
            }
        }
    }

    /// All runners that are kept, as they are now.
    pub(super) async fn look_at_runners(&self) -> Result<Runners> {
        let statuses = self.store.runner_statuses().await?;
        let ids: Vec<RunnerId> = statuses.iter().map(|(id, _)| id.clone()).collect();
        let runners = self.read_runners(&ids).await?;
        let now = self.now();
        let listed = statuses.into_iter().filter_map(|(id, status)| {
            let runner = Arc::clone(runners.get(&id)?);
            let is_lost =
                status.state != RunnerState::Stopped && age(now, status) > RUNNER_LOST_AFTER;
            Some(ListedRunner { id, runner, status, is_lost })
        });
        let listed: Runners = Arc::new(listed.collect());
        let mut seen = self.seen_runners.lock();
        // Runners that other processes have forgotten.
        let ids: HashSet<&RunnerId> = listed.iter().map(|listed| &listed.id).collect();
        seen.runners.retain(|id, _| ids.contains(id));
        seen.names.retain(|names| !names.is_unshared());
        seen.last_look = Some((Instant::now(), Arc::clone(&listed)));
        Ok(listed)
    }

    async fn read_runners(&self, ids: &[RunnerId]) -> Result<HashMap<RunnerId, Arc<Runner>>> {
        let (mut found, mut unknown) = (HashMap::new(), Vec::new());
        {
            let seen = self.seen_runners.lock();
            for id in ids {
                match seen.runners.get(id) {
                    Some(runner) => drop(found.insert(id.clone(), Arc::clone(runner))),
                    None => unknown.push(id.clone()),
                }
            }
        }
        if unknown.is_empty() {
            return Ok(found);
        }
        for ids in unknown.chunks(RUNNERS_AT_ONCE) {
            let read = self.store.runners(ids).await?;
            let mut seen = self.seen_runners.lock();
            for (id, runner) in ids.iter().zip(read) {
                if let Some(runner) = runner {
                    let runner = Arc::new(seen.share_names(runner));
                    seen.runners.insert(id.clone(), Arc::clone(&runner));
                    found.insert(id.clone(), runner);
                }
            }
        }
        Ok(found)
    }

    /// Removes runners that are gone, as far as they are too many or gone for too long.
    pub async fn forget_runners(&self) -> Result<()> {
        let kept = self.look_at_runners().await?;
        let forgotten = runner_room::too_many(&kept, self.now());
        if forgotten.is_empty() {
            return Ok(());
        }
        self.store.remove_runners(&forgotten).await?;
        self.seen_runners.lock().forget(&forgotten);
        Ok(())
    }
}

impl SeenRunners {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> Option<Runners> {
        let seen = self.lock();
        let (_, runners) = seen.last_look.as_ref().filter(|(at, _)| at.elapsed() < LOOK_TTL)?;
        Some(Arc::clone(runners))
    }

    fn keep_for_longer(&self) -> Runners {
        let mut seen = self.lock();
        let last = seen.last_look.take().map(|(_, runners)| runners).unwrap_or_default();
        seen.last_look = Some((Instant::now(), Arc::clone(&last)));
        last
    }
}

impl Seen {
    fn share_names(&mut self, mut runner: Runner) -> Runner {
        if let Some(names) = &mut runner.spiders {
            match self.names.get(names) {
                Some(known) => *names = known.clone(),
                None => drop(self.names.insert(names.clone())),
            }
        }
        runner
    }

    fn forget(&mut self, ids: &[RunnerId]) {
        self.last_look = None;
        ids.iter().for_each(|id| drop(self.runners.remove(id)));
    }
}

/// How long ago a runner said how it is.
pub(super) fn age(now: Millis, status: RunnerStatus) -> Duration {
    Duration::from_millis(now.0.saturating_sub(status.reported.0))
}

/// Whoever runs jobs of a project may say so.
fn may_run(caller: &Caller, runner: &Runner) -> Result<()> {
    runner.projects.iter().try_for_each(|project| caller.may(Role::Worker, *project))
}

fn no_runner(id: &RunnerId) -> Error {
    let (message, kind) = (format!("there is no runner {id}: register it"), ResourceKind::Runner);
    Error::NotFound { message, kind, name: id.to_string() }
}

#[cfg(test)]
mod tests;
