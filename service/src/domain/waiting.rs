//! Waiting for a job to start: those who wait in this process for the same jobs stand in a
//! line, and only the first asks the store. A push so wakes one of them in each process, not
//! all; when that one has a job, the next asks at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{self, Notify},
    time::{Instant, sleep_until},
};

use super::{
    Domain,
    hearing::Ear,
    start::{Asked, Started},
};
use spiderq_core::{
    error::{Error, Result},
    model::ClaimFilter,
    model::ProjectId,
};

/// What those in a line have in common.
type Place = (ProjectId, ClaimFilter);

/// All lines of this process. One is there while somebody stands in it.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<HashMap<Place, Arc<Line>>>);

#[derive(Debug, Default)]
struct Line {
    /// Held by the first, with its ear, which the next takes over. Fair: who came before goes before.
    first: sync::Mutex<Ear>,
    /// Tells the others that the first found the store away.
    away: Notify,
}

/// A place in a line; dropping it leaves the line.
struct Standing<'a> {
    lines: &'a Lines,
    place: Place,
    line: Arc<Line>,
}

impl Lines {
    fn enter(&self, place: Place) -> Standing<'_> {
        let line = Arc::clone(self.all().entry(place.clone()).or_default());
        Standing { lines: self, place, line }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Place, Arc<Line>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let mut all = self.lines.all();
        // This one and the map's own.
        if Arc::strong_count(&self.line) == 2 {
            all.remove(&self.place);
        }
    }
}

impl Domain {
    /// Claims a job in turn; `None` when there was none to take until `until`, or until the
    /// service stops. May be dropped at any time; a claim that is under way may still be made
    /// then.
    pub(super) async fn claim_in_turn(
        &self,
        asked: &Asked,
        until: Instant,
    ) -> Result<Option<Started>> {
        let standing = self.lines.enter((asked.project, asked.wanted.clone()));
        let line = &standing.line;
        let mut ear = tokio::select! {
            biased;
            first = line.first.lock() => first,
            () = line.away.notified() => return Err(Error::unavailable("found away by another")),
            () = self.stopping.begun() => return Ok(None),
            () = sleep_until(until) => return Ok(None),
        };
        loop {
            match self.claim_hearing(asked, &mut ear).await {
                Ok(None) => {}
                Ok(started) => return Ok(started),
                Err(error) => {
                    if matches!(error, Error::Unavailable { .. }) {
                        ear.close();
                        line.away.notify_waiters();
                    }
                    return Err(error);
                }
            }
            tokio::select! {
                () = ear.heard() => {}
                () = self.stopping.begun() => return Ok(None),
                () = sleep_until(until) => return Ok(None),
            }
        }
    }

    /// One claim, with an ear that is open before it.
    async fn claim_hearing(&self, asked: &Asked, ear: &mut Ear) -> Result<Option<Started>> {
        ear.open(self.store.as_ref(), asked.project).await?;
        self.claim(asked).await
    }
}
