//! Projects: those that a caller sees, their numbers, their settings (CONTRACT 3 and 4).

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Domain, MOST_ITEMS, rules};
use crate::{
    auth::Caller,
    error::{Error, Result},
    model::{FieldName, Metadata, ProjectId},
    store::{ProjectCounts, Role, SettingsChange},
};

/// Projects read in one step.
const PAGE: usize = 1_000;
/// Projects looked at at a time.
const AT_ONCE: usize = 16;

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
    ) -> Result<Vec<(ProjectId, ProjectCounts)>> {
        if projects.len() > MOST_ITEMS {
            return Err(Error::TooLarge {
                field: "projects".to_owned(),
                message: format!("at most {MOST_ITEMS} in one call"),
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
        let counts = |project| async move {
            let counts = self.store.project_counts(project).await?;
            Ok::<_, Error>((project, counts))
        };
        let summaries = stream::iter(projects).map(counts).buffered(AT_ONCE);
        let mut summaries: Vec<_> = summaries.try_collect().await?;
        summaries.retain(|(_, counts)| !all || *counts != ProjectCounts::default());
        Ok(summaries)
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
        settings
            .check_size()
            .map_err(|error| error.at("settings"))?;
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
