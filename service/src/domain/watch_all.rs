//! Watching all projects that a caller reaches, as one: a watch of each, and a look for new ones
//! from time to time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::{
    FutureExt as _, StreamExt as _, TryStreamExt as _,
    future::BoxFuture,
    stream::{self, FuturesUnordered},
};
use tokio::time::{Instant, sleep_until};

use super::{Domain, Watch, WatchItem, WatchQuery};
use crate::auth::Caller;
use spiderq_core::{
    backoff::jittered,
    error::{Error, Result},
    limits::{MAX_WATCHED_PROJECTS, PROJECTS_INTERVAL},
    model::ProjectId,
    store::EventCursor,
};

/// Watches that begin at a time.
const CONCURRENT_BEGINS: usize = 16;

/// What to watch of all projects.
#[derive(Clone, Debug, Default)]
pub struct WatchAllQuery {
    /// The places after which projects are watched; others from now on.
    pub after: BTreeMap<ProjectId, EventCursor>,
    /// Whether to tell what running jobs have counted, too.
    pub progress: bool,
}

/// What comes next of a watch: whose it is, where its project is read up to, and what came.
pub type Watched = (ProjectId, EventCursor, Vec<WatchItem>);

/// The projects that the caller of a watch reached when it began; `None`: all. What a user of a
/// proxy reaches may change with their keys.
#[derive(Clone, Debug)]
pub struct Reach(Option<Vec<u64>>);

impl Reach {
    /// An error when the caller no longer reaches all of them.
    pub fn allows(&self, caller: &Caller) -> Result<()> {
        let covers = match (caller.reach()?, &self.0) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(now), Some(begun)) => begun.iter().all(|project| now.contains(project)),
        };
        let lost = || Error::forbidden("the caller no longer reaches all that it watches");
        covers.then_some(()).ok_or_else(lost)
    }
}

/// A watch of all projects that is under way.
#[derive(Debug)]
pub struct WatchAll {
    domain: Domain,
    caller: Caller,
    query: WatchAllQuery,
    /// Projects whose watch has begun, and where, which is still to be told.
    begun: VecDeque<(ProjectId, EventCursor)>,
    known: BTreeSet<ProjectId>,
    waits: FuturesUnordered<BoxFuture<'static, (Watch, Result<Vec<WatchItem>>)>>,
    /// When to look for new projects.
    look_at: Instant,
}

impl Domain {
    /// Begins a watch of all projects that the caller reaches; [`Error::CursorGone`] where one of
    /// `after` is no longer kept.
    pub async fn watch_all(&self, caller: &Caller, query: WatchAllQuery) -> Result<WatchAll> {
        let mut watch = WatchAll {
            domain: self.clone(),
            caller: caller.clone(),
            query,
            begun: VecDeque::new(),
            known: BTreeSet::new(),
            waits: FuturesUnordered::new(),
            look_at: Instant::now(),
        };
        let projects = reached(self, caller).await?;
        if projects.len() > MAX_WATCHED_PROJECTS {
            let problem =
                format!("must be false: the key reaches more than {MAX_WATCHED_PROJECTS} projects");
            return Err(Error::invalid("all_projects", problem));
        }
        watch.add(projects).await?;
        Ok(watch)
    }
}

impl WatchAll {
    /// What a caller must reach, as long as the watch goes on.
    #[must_use]
    pub fn reach(&self) -> Reach {
        Reach(self.caller.reach().ok().flatten().map(<[u64]>::to_vec))
    }

    /// Returns when the service shuts down.
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + use<> {
        let shutdown = self.domain.shutdown().clone();
        async move { shutdown.begun().await }
    }

    /// What comes next of any project: of a new one the place at which its watch begins.
    pub async fn next(&mut self) -> Result<Watched> {
        loop {
            if let Some((project, last)) = self.begun.pop_front() {
                return Ok((project, last, vec![WatchItem::Skipped(last)]));
            }
            tokio::select! {
                Some((watch, items)) = self.waits.next() => {
                    let (project, last, items) = (watch.query().project, watch.last(), items?);
                    self.waits.push(wait(watch));
                    if !items.is_empty() {
                        return Ok((project, last, items));
                    }
                }
                () = sleep_until(self.look_at) => self.look().await?,
            }
        }
    }

    async fn look(&mut self) -> Result<()> {
        let mut projects = reached(&self.domain, &self.caller).await?;
        projects.retain(|project| !self.known.contains(project));
        projects.truncate(MAX_WATCHED_PROJECTS.saturating_sub(self.known.len()));
        self.add(projects).await
    }

    async fn add(&mut self, projects: Vec<ProjectId>) -> Result<()> {
        self.look_at = Instant::now() + jittered(PROJECTS_INTERVAL);
        let query = |project| WatchQuery {
            project,
            spider: None,
            key: None,
            after: self.query.after.get(&project).copied(),
            progress: self.query.progress,
        };
        let (domain, caller) = (&self.domain, &self.caller);
        let begin = |query| domain.watch_jobs(caller, query);
        let watches = stream::iter(projects.into_iter().map(query)).map(begin);
        let watches: Vec<Watch> = watches.buffered(CONCURRENT_BEGINS).try_collect().await?;
        for watch in watches {
            let project = watch.query().project;
            self.known.insert(project);
            self.begun.push_back((project, watch.last()));
            self.waits.push(wait(watch));
        }
        Ok(())
    }
}

/// The projects to watch, one more than there may be at most.
async fn reached(domain: &Domain, caller: &Caller) -> Result<Vec<ProjectId>> {
    let most = MAX_WATCHED_PROJECTS + 1;
    let Some(only) = caller.reach()? else {
        return domain.store.projects(None, most).await;
    };
    only.iter().take(most).map(|number| ProjectId::new(number.cast_signed())).collect()
}

fn wait(mut watch: Watch) -> BoxFuture<'static, (Watch, Result<Vec<WatchItem>>)> {
    async move {
        let items = watch.next().await;
        (watch, items)
    }
    .boxed()
}

#[cfg(test)]
mod tests;
