//! What the installation knows of its projects.

use std::time::Duration;

use spiderq_core::{error::Result, model::ProjectId, store::Subject};

use super::{Check, Projects};
use crate::{
    link::within,
    names::{DUE_PROJECTS, PROJECTS, ProjectNames},
    scan::Members,
};

const LISTS: [&str; 2] = [PROJECTS, DUE_PROJECTS];
/// How long after its first write a new project may not be listed yet.
const LISTED_WITHIN: Duration = Duration::from_secs(1);

impl Check<'_> {
    /// Each project is listed under its number, and among those that have something due.
    pub(crate) async fn registry(&mut self, projects: &Projects) -> Result<()> {
        let mut missing = Vec::new();
        for (project, held) in projects {
            for list in LISTS {
                if held.exists && !self.is_listed(*project, list).await? {
                    missing.push((*project, list));
                }
            }
        }
        if !missing.is_empty() {
            // The first tick comes at once.
            let mut later = tokio::time::interval(LISTED_WITHIN);
            later.tick().await;
            later.tick().await;
        }
        for (project, list) in missing {
            if self.is_listed(project, list).await? {
                continue;
            }
            self.list(project, list).await?;
            let what = match list {
                DUE_PROJECTS => "is not in the list of projects that have something due",
                _ => "is not in the list of projects",
            };
            self.found(Subject::Project(project), what.to_owned(), self.repair);
        }
        if self.scope.projects.is_empty() {
            self.listed().await?;
        }
        Ok(())
    }

    /// Entries that are no projects.
    async fn listed(&mut self) -> Result<()> {
        let store = self.store;
        let mut walk = Members::of_set(&store.connection, PROJECTS.to_owned());
        while let Some(entries) = walk.next().await? {
            for (member, score) in entries {
                let project = ProjectId::parse(&member);
                if project.is_ok() && score.parse() == member.parse::<f64>() {
                    continue;
                }
                if let Ok(project) = project {
                    self.list(project, PROJECTS).await?;
                } else if self.repair {
                    let mut pipe = redis::pipe();
                    pipe.zrem(PROJECTS, &member).ignore();
                    within(self.store.connection.pipe::<()>(&pipe)).await?;
                }
                let member = member.escape_debug();
                let what = format!("the list of projects has {member} at {score}");
                self.found(Subject::Store, what, self.repair);
            }
        }
        Ok(())
    }

    /// Whether it is in the list, or need not be.
    async fn is_listed(&mut self, project: ProjectId, list: &str) -> Result<bool> {
        let mut pipe = redis::pipe();
        pipe.cmd("ZSCORE").arg(list).arg(project.get());
        let (score,): (Option<f64>,) = within(self.store.connection.pipe(&pipe)).await?;
        if list == PROJECTS || score.is_some() {
            return Ok(score.is_some());
        }
        let mut pipe = redis::pipe();
        pipe.zcard(ProjectNames(project).due());
        let (entries,): (u64,) = within(self.store.connection.pipe(&pipe)).await?;
        Ok(entries == 0)
    }

    async fn list(&mut self, project: ProjectId, list: &str) -> Result<()> {
        if !self.repair {
            return Ok(());
        }
        let score = match list {
            DUE_PROJECTS => within(self.store.connection.clock()).await?.0,
            _ => project.get(),
        };
        let mut pipe = redis::pipe();
        pipe.zadd(list, project.get(), score).ignore();
        within(self.store.connection.pipe(&pipe)).await
    }
}
