//! Whether anybody can run a job: its spider is compared with those that the runners' code has, and
//! the job with what runners take. The project's setting `spiders` says whether a job of a spider
//! that no runner has is refused.

use std::{fmt, time::Duration};

use super::{Domain, runners::ListedRunner};
use spiderq_core::{
    error::{Error, Result},
    model::{Job, ProjectId, SpiderName, Tag},
};

/// Spiders that an error names.
const NAMED_SPIDERS: usize = 10;
/// A name with up to so many wrong letters is suggested.
const MAX_TYPOS: usize = 2;

/// Why a job that was scheduled may wait for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunWarning {
    /// No runner takes jobs of its project, its spider and its tags.
    NoRunner,
    /// It has more units than any runner that takes it.
    TooManyUnits {
        /// Units of the largest of them.
        most: u32,
    },
    /// No runner's code has its spider.
    UnknownSpider {
        /// Its name.
        spider: SpiderName,
    },
}

impl fmt::Display for RunWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRunner => f.write_str("no runner takes this job now"),
            Self::TooManyUnits { most } => {
                write!(f, "no runner has as many units; the largest that takes this job has {most}")
            }
            Self::UnknownSpider { spider } => write!(f, "no runner has the spider {spider}"),
        }
    }
}

impl Domain {
    /// Refuses a spider that no runner of the project has. For projects whose setting `spiders` is
    /// `known`.
    pub(super) async fn check_known_spider(
        &self,
        project: ProjectId,
        spider: &SpiderName,
    ) -> Result<()> {
        if spider.is_script() {
            return Ok(());
        }
        let is_known =
            |runners: &[ListedRunner]| has_spider(runners, project, spider) != Some(false);
        if is_known(&self.recent_runners().await?) {
            return Ok(());
        }
        // A runner may have registered since.
        let runners = self.runners(Duration::ZERO).await?;
        if is_known(&runners) { Ok(()) } else { Err(unknown_spider(&runners, project, spider)) }
    }

    /// What stands in the way of a job that was scheduled; nothing where no runner has ever
    /// registered: other programs take jobs too.
    pub async fn run_warnings(&self, job: &Job) -> Vec<RunWarning> {
        // The job is there: that its warnings can't be read is no error of the call.
        let runners = self.recent_runners().await.unwrap_or_default();
        if runners.is_empty() {
            return Vec::new();
        }
        let (project, spider) = (job.key.project, &job.spider);
        let is_unknown = has_spider(&runners, project, spider) == Some(false);
        let mut takers = runners.iter().filter(|listed| listed.is_active() && takes(listed, job));
        let most = takers.by_ref().map(|listed| listed.runner.units).max();
        let unknown = is_unknown.then(|| RunWarning::UnknownSpider { spider: spider.clone() });
        let no_taker = match most {
            None => Some(RunWarning::NoRunner),
            Some(most) if most < u32::from(job.units.get()) => {
                Some(RunWarning::TooManyUnits { most })
            }
            Some(_) => None,
        };
        unknown.into_iter().chain(no_taker).collect()
    }
}

fn takes(listed: &ListedRunner, job: &Job) -> bool {
    let runner = &listed.runner;
    let has = |tag: &Tag| job.tags.contains(tag);
    runner.takes(job.key.project, &job.spider)
        && (runner.has_tags.is_empty() || runner.has_tags.iter().any(has))
        && !runner.lacks_tags.iter().any(has)
}

/// Whether a runner of the project has the spider: of those that take jobs now or, where none does,
/// of all that are kept. `None`: one of them can't list its spiders, so that it may have it.
fn has_spider(runners: &[ListedRunner], project: ProjectId, spider: &SpiderName) -> Option<bool> {
    let mut has: Vec<Option<bool>> =
        of_project(runners, project).map(|listed| listed.runner.has(spider)).collect();
    if has.contains(&Some(true)) {
        return Some(true);
    }
    has.retain(Option::is_none);
    if has.is_empty() { Some(false) } else { None }
}

fn of_project(runners: &[ListedRunner], project: ProjectId) -> impl Iterator<Item = &ListedRunner> {
    let is_of = move |listed: &ListedRunner| listed.runner.projects.contains(&project);
    let any_active = runners.iter().any(|listed| is_of(listed) && listed.is_active());
    runners.iter().filter(move |listed| is_of(listed) && (!any_active || listed.is_active()))
}

fn unknown_spider(runners: &[ListedRunner], project: ProjectId, spider: &SpiderName) -> Error {
    let mut known: Vec<&str> = of_project(runners, project)
        .filter_map(|listed| listed.runner.spiders.as_ref())
        .flatten()
        .map(SpiderName::as_str)
        .collect();
    known.sort_unstable();
    known.dedup();
    let distance = |name: &&&str| strsim::levenshtein(name, spider.as_str());
    let near = known.iter().min_by_key(distance).filter(|name| distance(name) <= MAX_TYPOS);
    let hint = match (near, known.len()) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, 0) => "no runner has said which spiders it has".to_owned(),
        (None, 1..=NAMED_SPIDERS) => format!("they have {}", known.join(", ")),
        (None, many) => format!("they have {many} others"),
    };
    let accepted = format!(
        "must be one that a runner of project {project} has, by its setting \"spiders\"; {hint}"
    );
    Error::invalid("spider", accepted)
}

#[cfg(test)]
mod tests;
