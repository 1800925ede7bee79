//! Whether a caller may add jobs to a project, or make it: quotas that need a look at the store.
//! It is remembered for seconds, so that most pushes need none.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Domain, settings};
use crate::auth::{Caller, Permit};
use spiderq_core::{
    error::{Error, Result},
    model::{ProjectId, Quota, Role},
};

/// How long the room of a project is reckoned with without looking again: about so many seconds
/// of other processes' pushes may go beyond a limit.
const ROOM_TTL: Duration = Duration::from_secs(5);
/// Jobs of a full project end at some time.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Projects that are remembered; beyond that it begins anew.
const MAX_REMEMBERED: usize = 100_000;

/// What is remembered of projects.
#[derive(Debug, Default)]
pub(super) struct SeenProjects {
    /// Those that exist.
    known: Mutex<HashSet<ProjectId>>,
    rooms: Mutex<HashMap<ProjectId, Room>>,
}

#[derive(Debug)]
struct Room {
    /// Pending and running jobs when it was read, and those that were let in since.
    active: u64,
    /// The project's own limit.
    most: Option<u64>,
    only_known_spiders: bool,
    until: Instant,
}

impl Domain {
    /// An error unless the call may add `jobs` to the project, which it makes where there is none.
    pub async fn may_add_jobs(
        &self,
        caller: &Caller,
        permit: &Permit,
        project: ProjectId,
        jobs: usize,
    ) -> Result<()> {
        caller.may(Role::User, project)?;
        self.may_use_project(permit, project).await?;
        self.has_room(permit, project, jobs as u64).await
    }

    async fn may_use_project(&self, permit: &Permit, project: ProjectId) -> Result<()> {
        if lock(&self.seen_projects.known).contains(&project) {
            return Ok(());
        }
        let before = i64::try_from(project.get() - 1).ok().and_then(|n| ProjectId::new(n).ok());
        let next = self.store.projects(before, 1).await?;
        if next.first() != Some(&project) {
            self.auth.new_project(permit)?;
        }
        let mut known = lock(&self.seen_projects.known);
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(project);
        Ok(())
    }

    async fn has_room(&self, permit: &Permit, project: ProjectId, jobs: u64) -> Result<()> {
        let most = self.auth.quota(permit, Quota::Jobs);
        if jobs == 0 || self.seen_projects.enter(project, jobs, most).is_ok() {
            return Ok(());
        }
        let counts = self.store.project_counts(project).await?;
        let names = [settings::MAX_JOBS, settings::SPIDERS];
        let set = self.store.named_settings(project, &names).await?;
        let room = Room {
            active: counts.pending + counts.running,
            most: settings::max_jobs(&set),
            only_known_spiders: settings::only_known_spiders(&set),
            until: Instant::now() + ROOM_TTL,
        };
        self.seen_projects.look(project, room);
        let entered = self.seen_projects.enter(project, jobs, most);
        entered.map_err(|most| Error::QuotaExceeded {
            quota: Quota::Jobs,
            most,
            retry_after: RETRY_AFTER,
        })
    }

    /// Whether the project takes only jobs of spiders that a runner has: as a look at its room has
    /// found, which every call that adds jobs takes first.
    pub(super) async fn only_known_spiders(&self, project: ProjectId) -> Result<bool> {
        if let Some(only) = self.seen_projects.only_known_spiders(project) {
            return Ok(only);
        }
        let set = self.store.named_settings(project, &[settings::SPIDERS]).await?;
        Ok(settings::only_known_spiders(&set))
    }
}

impl SeenProjects {
    /// Lets so many jobs in; or answers the limit that does not, 0 where nobody has looked lately.
    fn enter(&self, project: ProjectId, jobs: u64, most: Option<u64>) -> Result<(), u64> {
        let mut rooms = lock(&self.rooms);
        let room =
            rooms.get_mut(&project).filter(|room| room.until > Instant::now()).ok_or(0_u64)?;
        let active = room.active.saturating_add(jobs);
        match room.most.into_iter().chain(most).min() {
            Some(most) if active > most => Err(most),
            Some(_) | None => {
                room.active = active;
                Ok(())
            }
        }
    }

    /// `None`: nobody has looked lately.
    fn only_known_spiders(&self, project: ProjectId) -> Option<bool> {
        let rooms = lock(&self.rooms);
        let room = rooms.get(&project).filter(|room| room.until > Instant::now())?;
        Some(room.only_known_spiders)
    }

    /// Settings of the project have changed: they hold at once where that was done.
    pub(super) fn forget(&self, project: ProjectId) {
        lock(&self.rooms).remove(&project);
    }

    fn look(&self, project: ProjectId, room: Room) {
        let mut rooms = lock(&self.rooms);
        if rooms.len() >= MAX_REMEMBERED {
            rooms.clear();
        }
        rooms.insert(project, room);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
