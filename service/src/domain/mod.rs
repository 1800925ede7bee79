//! The rules: what each call means, in terms of the model, for any store. Knows neither
//! gRPC nor HTTP. A file is a verb.

mod batch;
mod cancel;
mod delete;
mod edit;
mod find;
mod hearing;
mod heartbeat;
mod known;
mod metadata;
mod project;
mod prune;
mod push;
mod reap;
pub mod request;
mod rules;
mod schedule;
mod spider;
mod start;
mod stop;
mod stopping;
mod summary;
mod token;
mod transition;
mod update;
mod waiting;
mod walk;
mod watch;

use std::sync::Arc;

use self::waiting::Lines;
pub use self::{
    batch::{ItemError, ItemErrorKind, Updated},
    edit::JobEdit,
    heartbeat::{Heartbeat, Vitals},
    project::ProjectSummary,
    prune::Pruner,
    push::{Push, PushedJob},
    reap::Reaper,
    schedule::Schedule,
    spider::{Spider, SpiderRef},
    start::{Start, Started},
    stopping::Stopping,
    summary::{LastJobs, StateSummary, Summarize},
    update::{Target, Update},
    walk::{Order, Place, Rows, Walk},
    watch::{Seen, Watch, Watching},
};
use crate::auth::Auth;
use spiderq_core::{
    clock::Clock,
    error::{Error, Result},
    model::{JobKey, Millis, ProjectId},
    store::Store,
};

/// Most keys, jobs or updates that one call may name.
pub const MAX_ITEMS: usize = 1_000;

/// The domain over one store.
#[derive(Clone, Debug)]
pub struct Domain {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    auth: Arc<Auth>,
    stopping: Stopping,
    lines: Arc<Lines>,
}

impl Domain {
    /// Over this store, with this clock.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, auth: Arc<Auth>) -> Self {
        Self { store, clock, auth, stopping: Stopping::default(), lines: Arc::default() }
    }

    /// Keys and tokens.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Ends what waits.
    #[must_use]
    pub const fn stopping(&self) -> &Stopping {
        &self.stopping
    }

    /// The server's clock.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    fn token(&self, job: JobKey, attempt: u32) -> String {
        self.auth.tokens().sign(job, attempt)
    }
}

/// Between 1 and [`MAX_ITEMS`] of something.
fn check_items(field: &str, items: usize) -> Result<()> {
    match items {
        0 => Err(Error::invalid(field, "at least one is required")),
        1..=MAX_ITEMS => Ok(()),
        _ => Err(Error::TooLarge {
            field: field.to_owned(),
            message: format!("at most {MAX_ITEMS} in one call"),
        }),
    }
}

/// A number of rows from 1 to [`MAX_ITEMS`], which 0 stands for.
fn most_rows(field: &str, asked: u32) -> Result<usize> {
    match usize::try_from(asked) {
        Ok(0) => Ok(MAX_ITEMS),
        Ok(most @ 1..=MAX_ITEMS) => Ok(most),
        Ok(_) | Err(_) => Err(Error::invalid(field, "must be from 1 to 1000")),
    }
}

/// Every key must be of the project that the call is about.
fn check_project(project: ProjectId, keys: &[JobKey]) -> Result<()> {
    match keys.iter().find(|key| key.project != project) {
        Some(key) => {
            Err(Error::invalid("key", format!("must be a job of project {project}, {key} is not")))
        }
        None => Ok(()),
    }
}
