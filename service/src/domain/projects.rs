//! Projects: those that a caller reaches, and their numbers of jobs (`docs/contract.md`, 3 and
//! 4).

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Domain, settings};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_ITEMS,
    model::{ProjectId, Role},
    store::{MAX_RUNNING, MAX_RUNNING_UNITS, ProjectCounts},
};

/// Projects that one step of the store lists.
const PAGE_SIZE: usize = 1_000;
/// Projects that a summary reads at a time.
const MAX_CONCURRENT_READS: usize = 16;

/// A project in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectSummary {
    /// Which project.
    pub project: ProjectId,
    /// Its jobs by state.
    pub counts: ProjectCounts,
    /// The most units that a job may have to be started now; `None`: as many as a job may have.
    pub units_left: Option<u64>,
}

impl Domain {
    /// The projects that exist and that the caller reaches, by number.
    pub async fn list_projects(&self, caller: &Caller) -> Result<Vec<ProjectId>> {
        let reach = caller.reach()?;
        let (mut projects, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.projects(after, PAGE_SIZE).await?;
            after = page.last().copied();
            let full = page.len() == PAGE_SIZE;
            projects.extend(page);
            if !full {
                break;
            }
        }
        if let Some(only) = reach {
            projects.retain(|project| only.contains(&project.get()));
        }
        Ok(projects)
    }

    /// The projects in numbers, by number. Where none is named: those that the caller reaches
    /// and that have pending, running or finished jobs.
    pub async fn summarize_projects(
        &self,
        caller: &Caller,
        mut projects: Vec<ProjectId>,
    ) -> Result<Vec<ProjectSummary>> {
        if projects.len() > MAX_ITEMS {
            return Err(Error::too_large("projects", format!("at most {MAX_ITEMS} in one call")));
        }
        let all = projects.is_empty();
        if all {
            projects = self.list_projects(caller).await?;
        }
        projects.sort_unstable();
        projects.dedup();
        for project in &projects {
            caller.may(Role::Read, *project)?;
        }
        let summary = |project| self.summarize_project(project);
        let summaries = stream::iter(projects).map(summary).buffered(MAX_CONCURRENT_READS);
        let mut summaries: Vec<_> = summaries.try_collect().await?;
        summaries.retain(|summary| !all || summary.counts != ProjectCounts::default());
        Ok(summaries)
    }

    /// Counts and limits are read one after the other, not at one moment.
    async fn summarize_project(&self, project: ProjectId) -> Result<ProjectSummary> {
        let counts = self.store.project_counts(project).await?;
        let names = [MAX_RUNNING, MAX_RUNNING_UNITS];
        let settings = self.store.named_settings(project, &names).await?;
        let max_running = settings::number(&settings, MAX_RUNNING);
        let max_units = settings::number(&settings, MAX_RUNNING_UNITS);
        let units_left = units_left(&counts, max_running, max_units);
        Ok(ProjectSummary { project, counts, units_left })
    }
}

/// How many units the limits of a project leave; `None`: any number.
fn units_left(
    counts: &ProjectCounts,
    max_running: Option<u64>,
    max_units: Option<u64>,
) -> Option<u64> {
    if max_running.is_some_and(|max| counts.running >= max) {
        return Some(0);
    }
    max_units.map(|max| max.saturating_sub(counts.running_units))
}

#[cfg(test)]
mod tests;
