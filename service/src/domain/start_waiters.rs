//! Waiters: StartJob calls that wait for a job. Of the waiters in this process that want the
//! same jobs, only the first asks the store. So a pushed job wakes one waiter in each process,
//! not all; when that one has a job, the next asks at once. Those that want different jobs of one
//! project take turns.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{self, Notify},
    time::Instant,
};

use super::{
    Domain,
    start::{Claim, StartedJob},
    subscription::Subscription,
};
use spiderq_core::{
    error::{Error, Result},
    model::{ClaimFilter, ProjectId},
};

/// What the waiters of a group have in common.
type GroupKey = (ProjectId, ClaimFilter);

/// All waiters of this process. A group exists while it has a waiter.
#[derive(Debug, Default)]
pub(super) struct StartWaiters(Mutex<HashMap<GroupKey, Arc<Group>>>);

#[derive(Debug, Default)]
struct Group {
    /// Held by the first waiter; the next one takes over its subscription. tokio's mutex is
    /// fair, so waiters are served in the order in which they came.
    first: sync::Mutex<Subscription>,
    /// Notifies the others when the first waiter could not reach the store.
    store_away: Notify,
}

/// One waiter of a group; leaves it when dropped.
struct Waiter<'a> {
    waiters: &'a StartWaiters,
    key: GroupKey,
    group: Arc<Group>,
}

impl StartWaiters {
    fn join(&self, key: GroupKey) -> Waiter<'_> {
        let group = Arc::clone(self.groups().entry(key.clone()).or_default());
        Waiter { waiters: self, key, group }
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<GroupKey, Arc<Group>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut groups = self.waiters.groups();
        // This waiter's reference and the map's: there is no other waiter.
        if Arc::strong_count(&self.group) == 2 {
            groups.remove(&self.key);
        }
    }
}

impl Domain {
    /// Claims a job in the order of the waiters; `None` when there was none until `until`, or
    /// until the shutdown. A caller that may no longer have one gets an error, and the next waiter
    /// its turn. May be dropped at any time; a claim that is under way may still be made then.
    pub(super) async fn wait_and_claim(
        &self,
        claim: &Claim,
        until: Instant,
    ) -> Result<Option<StartedJob>> {
        let waiter = self.start_waiters.join((claim.project, claim.filter.clone()));
        let (group, turns) = (&waiter.group, self.turns.of(claim.project));
        // On the heap: starts that do not wait need no room for it.
        let mut ended =
            Box::pin(self.end_of_waiting(claim.project, claim.credentials.as_ref(), until));
        let mut subscription = tokio::select! {
            biased;
            first = group.first.lock() => first,
            () = group.store_away.notified() => {
                return Err(Error::unavailable("another waiter could not reach the store"));
            }
            ended = &mut ended => return ended.map(|()| None),
        };
        loop {
            let turn = tokio::select! {
                biased;
                turn = turns.next() => turn,
                ended = &mut ended => return ended.map(|()| None),
            };
            let claimed = match turn {
                Ok(turn) => turn.look(self.subscribe_and_claim(claim, &mut subscription)).await,
                Err(error) => Err(error),
            };
            match claimed {
                Ok(None) => {}
                Ok(started) => return Ok(started),
                Err(error) => {
                    if matches!(error, Error::Unavailable { .. }) {
                        subscription.close();
                        group.store_away.notify_waiters();
                    }
                    return Err(error);
                }
            }
            tokio::select! {
                () = subscription.notified() => {}
                ended = &mut ended => return ended.map(|()| None),
            }
        }
    }

    async fn subscribe_and_claim(
        &self,
        claim: &Claim,
        subscription: &mut Subscription,
    ) -> Result<Option<StartedJob>> {
        subscription.ensure(self.store.as_ref(), claim.project).await?;
        self.claim_after_wait(claim).await
    }
}
