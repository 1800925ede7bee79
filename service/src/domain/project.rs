//! Projects: those that a caller sees, their numbers, their settings (CONTRACT 3 and 4).

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Domain, MAX_ITEMS, rules};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{FieldName, Metadata, ProjectId, Role},
    store::{MAX_RUNNING, MAX_RUNNING_UNITS, ProjectCounts, SettingsChange},
};

/// Projects read in one step.
const PAGE: usize = 1_000;
/// Projects looked at at a time.
const AT_ONCE: usize = 16;

/// A project in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectSummary {
    /// The project.
    pub project: ProjectId,
    /// Its jobs.
    pub counts: ProjectCounts,
    /// Most units that a job may have to start now; `None`: as many as a job may.
    pub units_left: Option<u64>,
}

impl Domain {
    /// The projects that exist and that the caller reaches, in rising order.
    pub async fn projects(&self, caller: &Caller) -> Result<Vec<ProjectId>> {
        let reach = caller.reach()?;
        let (mut projects, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.projects(after, PAGE).await?;
            after = page.last().copied();
            let full = page.len() == PAGE;
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

    /// The projects in numbers, in rising order. Without any named: those that the caller
    /// reaches and that have pending, running or finished jobs.
    pub async fn summaries(
        &self,
        caller: &Caller,
        mut projects: Vec<ProjectId>,
    ) -> Result<Vec<ProjectSummary>> {
        if projects.len() > MAX_ITEMS {
            return Err(Error::TooLarge {
                field: "projects".to_owned(),
                message: format!("at most {MAX_ITEMS} in one call"),
            });
        }
        let all = projects.is_empty();
        if all {
            projects = self.projects(caller).await?;
        }
        projects.sort_unstable();
        projects.dedup();
        for project in &projects {
            caller.may(Role::Read, *project)?;
        }
        let summary = |project| self.summary_of(project);
        let summaries = stream::iter(projects).map(summary).buffered(AT_ONCE);
        let mut summaries: Vec<_> = summaries.try_collect().await?;
        let empty = ProjectCounts::default();
        summaries.retain(|summary| !all || summary.counts != empty);
        Ok(summaries)
    }

    /// Counts and limits are of two moments, one soon after the other.
    async fn summary_of(&self, project: ProjectId) -> Result<ProjectSummary> {
        let counts = self.store.project_counts(project).await?;
        let names = [MAX_RUNNING, MAX_RUNNING_UNITS];
        let settings = self.store.named_settings(project, &names).await?;
        let most = rules::number(&settings, MAX_RUNNING);
        let most_units = rules::number(&settings, MAX_RUNNING_UNITS);
        Ok(ProjectSummary { project, counts, units_left: units_left(&counts, most, most_units) })
    }

    /// All settings of a project.
    pub async fn settings(&self, caller: &Caller, project: ProjectId) -> Result<Metadata> {
        caller.may(Role::Read, project)?;
        self.store.settings(project).await
    }

    /// Merges settings.
    pub async fn set_settings(
        &self,
        caller: &Caller,
        project: ProjectId,
        settings: Metadata,
    ) -> Result<()> {
        caller.may(Role::User, project)?;
        settings.check_size().map_err(|error| error.with_field("settings"))?;
        rules::check(&settings)?;
        if settings.is_empty() {
            return Ok(());
        }
        let change = SettingsChange::Merge(settings);
        if self.store.change_settings(project, change).await? {
            return Ok(());
        }
        Err(Error::TooLarge {
            field: "settings".to_owned(),
            message: "of a project must be at most 1 MiB in all".to_owned(),
        })
    }

    /// Removes settings; `None`: all of them.
    pub async fn delete_settings(
        &self,
        caller: &Caller,
        project: ProjectId,
        names: Option<Vec<FieldName>>,
    ) -> Result<()> {
        caller.may(Role::User, project)?;
        let change = match names {
            Some(names) => {
                super::check_items("names", names.len())?;
                SettingsChange::Remove(names)
            }
            None => SettingsChange::Clear,
        };
        self.store.change_settings(project, change).await?;
        Ok(())
    }
}

/// What the limits of a project leave.
fn units_left(counts: &ProjectCounts, most: Option<u64>, most_units: Option<u64>) -> Option<u64> {
    if most.is_some_and(|most| counts.running >= most) {
        return Some(0);
    }
    most_units.map(|most| most.saturating_sub(counts.running_units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_the_narrower_limit_leaves() {
        let counts = ProjectCounts { running: 3, running_units: 8, ..ProjectCounts::default() };
        for (most, most_units, left) in [
            (None, None, None),
            (Some(4), None, None),
            (Some(3), None, Some(0)),
            (Some(0), Some(20), Some(0)),
            (None, Some(20), Some(12)),
            (Some(4), Some(9), Some(1)),
            (None, Some(8), Some(0)),
            (None, Some(1), Some(0)),
        ] {
            assert_eq!(units_left(&counts, most, most_units), left);
        }
    }
}
