//! Pages of runners.

use std::sync::Arc;

use super::{Domain, runners::ListedRunner};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    limits::RUNNER_PAGE_BYTES,
    model::{ProjectId, Role, Runner, RunnerId},
};

/// Which runners, and how many.
#[derive(Clone, Debug)]
pub struct RunnerQuery {
    /// Those that take jobs of this project; `None`: of all that the caller reaches.
    pub project: Option<ProjectId>,
    /// Also those that have stopped or are lost.
    pub with_gone: bool,
    /// Those after this name and id.
    pub after: Option<(String, RunnerId)>,
    /// At most so many.
    pub limit: usize,
}

/// Some runners.
#[derive(Debug)]
pub struct RunnerPage {
    /// By name and id.
    pub runners: Vec<ListedRunner>,
    /// Whether there are others after them.
    pub has_more: bool,
}

impl Domain {
    /// The runners of a project, or of all that the caller reaches, by name and id, after a place in
    /// that order; those that are gone only if asked for.
    pub async fn list_runners(&self, caller: &Caller, query: RunnerQuery) -> Result<RunnerPage> {
        if let Some(project) = query.project {
            caller.may(Role::Read, project)?;
        }
        let reach = caller.reach()?;
        let all = self.look_at_runners().await?;
        let is_of = |of: &ProjectId| {
            query.project.is_none_or(|project| project == *of)
                && reach.is_none_or(|only| only.contains(&of.get()))
        };
        let mut found: Vec<&ListedRunner> = all
            .iter()
            .filter(|listed| query.with_gone || listed.is_there())
            .filter(|listed| {
                query
                    .after
                    .as_ref()
                    .is_none_or(|after| listed.place() > (after.0.as_str(), &after.1))
            })
            .filter(|listed| listed.runner.projects.iter().any(is_of))
            .collect();
        found.sort_by_key(|listed| listed.place());
        let mut bytes = 0;
        let fits = |listed: &&&ListedRunner| {
            let is_first = bytes == 0;
            bytes += listed.runner.bytes();
            is_first || bytes <= RUNNER_PAGE_BYTES
        };
        let page: Vec<_> = found.iter().take(query.limit).take_while(fits).copied().collect();
        let has_more = page.len() < found.len();
        let mut runners: Vec<ListedRunner> = page.into_iter().cloned().collect();
        if let Some(only) = reach {
            runners.iter_mut().for_each(|listed| hide_projects(listed, only));
        }
        Ok(RunnerPage { runners, has_more })
    }
}

/// Leaves out the projects that a caller does not reach.
fn hide_projects(listed: &mut ListedRunner, only: &[u64]) {
    if listed.runner.projects.iter().all(|project| only.contains(&project.get())) {
        return;
    }
    let mut runner = Runner::clone(&listed.runner);
    runner.projects.retain(|project| only.contains(&project.get()));
    listed.runner = Arc::new(runner);
}
