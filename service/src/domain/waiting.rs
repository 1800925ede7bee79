//! Waiting for a job to start: those who wait in this process for the same jobs stand in a
//! line, and only the first asks the store. A push so wakes one of them in each process, not
//! all; when that one has a job, the next asks at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{self, Notify},
    time::{Instant, sleep_until},
};

use super::{
    Domain,
    start::{Asked, Started},
};
use crate::{
    error::{Error, Result},
    model::ProjectId,
    store::{Pulses, Wanted},
};

/// After so long the first of a line asks without a pulse: one may be lost with a broken
/// connection.
const RECHECK: Duration = Duration::from_secs(15);

/// What those in a line have in common.
type Place = (ProjectId, Wanted);

/// All lines of this process. One is there while somebody stands in it.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<HashMap<Place, Arc<Line>>>);

#[derive(Debug, Default)]
struct Line {
    /// Held by the first. Fair: who came before goes before.
    first: sync::Mutex<Option<Ear>>,
    /// Tells the others that the first found the store away.
    away: Notify,
}

/// Pulses of the project, which the first hands on to the next.
#[derive(Debug)]
struct Ear {
    pulses: Pulses,
    since: Instant,
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
        Standing {
            lines: self,
            place,
            line,
        }
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
                        *ear = None;
                        line.away.notify_waiters();
                    }
                    return Err(error);
                }
            }
            let Some(ear) = ear.as_mut() else {
                return Err(Error::bug("waits without an ear"));
            };
            tokio::select! {
                () = ear.pulses.next() => {}
                () = sleep_until(Instant::now() + RECHECK) => {}
                () = self.stopping.begun() => return Ok(None),
                () = sleep_until(until) => return Ok(None),
            }
        }
    }

    /// One claim. The ear is there before it, so that no change after it goes unheard.
    async fn claim_hearing(&self, asked: &Asked, ear: &mut Option<Ear>) -> Result<Option<Started>> {
        let fresh = ear
            .as_ref()
            .is_some_and(|ear| ear.since.elapsed() < RECHECK);
        if !fresh {
            *ear = Some(Ear {
                pulses: self.store.pulses(asked.project).await?,
                since: Instant::now(),
            });
        }
        self.claim(asked).await
    }
}
