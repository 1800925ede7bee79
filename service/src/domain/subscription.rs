//! Receiving the notifications of a project, with a timeout in case that one is lost; and taking
//! turns at what is to be read then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use spiderq_core::{
    error::{Error, Result},
    limits::NOTIFICATION_TIMEOUT,
    model::ProjectId,
    store::{Notifications, Store},
};

/// Most looks at the store at a time that the waiters and watches of a project make. One
/// notification may wake thousands; the calls of others must not stand behind all of them.
const CONCURRENT_LOOKS: usize = 32;

/// A subscription to one project. It is renewed from time to time: a store may forget it.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    current: Option<(Notifications, Instant)>,
    /// Whether it is to output of jobs, in place of changes of them.
    to_output: bool,
}

impl Subscription {
    /// One to output of the project's jobs.
    pub(super) fn to_output() -> Self {
        Self { current: None, to_output: true }
    }

    /// Subscribes unless a fresh subscription is there. Must come before each read of the
    /// project, so that every change after the read is notified of. True if it subscribed: what
    /// came before is not notified of.
    pub(super) async fn ensure(&mut self, store: &dyn Store, project: ProjectId) -> Result<bool> {
        let fresh = |since: &Instant| since.elapsed() < NOTIFICATION_TIMEOUT;
        let is_stale = !self.current.as_ref().is_some_and(|(_, since)| fresh(since));
        if is_stale {
            let subscribed = match self.to_output {
                true => store.subscribe_output(project).await?,
                false => store.subscribe(project).await?,
            };
            self.current = Some((subscribed, Instant::now()));
        }
        Ok(is_stale)
    }

    /// Unsubscribes.
    pub(super) fn close(&mut self) {
        self.current = None;
    }

    /// Returns when there may be a change to read.
    pub(super) async fn notified(&mut self) {
        if let Some((notifications, _)) = &mut self.current {
            // A timeout counts as a notification: one may have been lost.
            let _ = timeout(NOTIFICATION_TIMEOUT, notifications.next()).await;
        }
    }
}

/// The turns of every project that has waiters or watches in this process.
#[derive(Debug, Default)]
pub(super) struct AllTurns(Mutex<HashMap<ProjectId, Weak<Turns>>>);

impl AllTurns {
    /// Those of a project. Kept by whoever looks, as long as it may look again.
    pub(super) fn of(&self, project: ProjectId) -> Arc<Turns> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&project).and_then(Weak::upgrade) {
            return known;
        }
        all.retain(|_, turns| turns.strong_count() > 0);
        let new = Arc::new(Turns::default());
        all.insert(project, Arc::downgrade(&new));
        new
    }
}

/// Hands out turns to look at the store, in the order in which they are asked for.
#[derive(Debug)]
pub(super) struct Turns {
    free: Semaphore,
    /// Tells those who stand in line that one could not reach the store.
    store_away: Notify,
}

impl Default for Turns {
    fn default() -> Self {
        Self { free: Semaphore::new(CONCURRENT_LOOKS), store_away: Notify::new() }
    }
}

/// A turn to look at the store, once.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    _taken: SemaphorePermit<'a>,
}

impl Turns {
    /// Waits in line. [`Error::Unavailable`] when somebody before it could not reach the store:
    /// each would find that out for itself only after a timeout.
    pub(super) async fn next(&self) -> Result<Turn<'_>> {
        tokio::select! {
            biased;
            taken = self.free.acquire() => {
                Ok(Turn { turns: self, _taken: taken.map_err(Error::bug)? })
            }
            () = self.store_away.notified() => {
                Err(Error::unavailable("another call of the project could not reach the store"))
            }
        }
    }
}

impl Turn<'_> {
    /// Looks.
    pub(super) async fn look<T>(self, look: impl Future<Output = Result<T>>) -> Result<T> {
        let found = look.await;
        if matches!(found, Err(Error::Unavailable { .. })) {
            self.turns.store_away.notify_waiters();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn only_so_many_look_at_a_time_and_those_in_line_hear_that_the_store_is_away() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for _ in 0..CONCURRENT_LOOKS {
            taken.push(turns.next().await.unwrap());
        }
        let mut in_line = Box::pin(turns.next());
        assert!((&mut in_line).now_or_never().is_none());
        let looked = taken.pop().unwrap().look(async { Ok(7) }).await;
        assert_eq!(looked.unwrap(), 7);
        let next = (&mut in_line).now_or_never().unwrap().unwrap();
        let mut in_line = Box::pin(turns.next());
        assert!((&mut in_line).now_or_never().is_none());
        let away = next.look(async { Err::<(), _>(Error::unavailable("away")) }).await;
        assert!(matches!(away, Err(Error::Unavailable { .. })));
        // It has a turn by now: the one that was given back.
        let _again = in_line.await.unwrap();
        let mut others: Vec<_> = (0..2).map(|_| Box::pin(turns.next())).collect();
        for other in &mut others {
            assert!(other.as_mut().now_or_never().is_none());
        }
        turns.store_away.notify_waiters();
        for other in others {
            assert!(matches!(other.await, Err(Error::Unavailable { .. })));
        }
    }

    #[test]
    fn turns_are_kept_of_projects_that_somebody_looks_at() {
        let all = AllTurns::default();
        let [one, other] = [1, 2].map(|number| ProjectId::new(number).unwrap());
        let kept = all.of(one);
        assert!(Arc::ptr_eq(&kept, &all.of(one)));
        drop(all.of(other));
        drop(kept);
        all.of(other);
        assert_eq!(all.0.lock().unwrap().len(), 1);
    }
}
