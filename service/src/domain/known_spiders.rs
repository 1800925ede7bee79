//! Whether anybody can run a job: its spider is compared with those that the runners' code has, and
//! the job with what runners take. The project's setting `spiders` says whether a job of a spider
//! that no runner has is refused.

use std::fmt;

use super::{
    Domain,
    runners::{ListedRunner, Runners},
};
use spiderq_core::{
    error::{Error, Result},
    model::{Job, ProjectId, SpiderName, State, Tag},
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

/// The spiders that the runners of a project have.
#[derive(Debug)]
pub(super) struct KnownSpiders {
    project: ProjectId,
    runners: Runners,
    /// Whether this call itself has looked at the runners.
    is_fresh: bool,
}

impl KnownSpiders {
    /// Whether a runner has it, may have it, or it is a script, which nobody lists.
    fn has(&self, spider: &SpiderName) -> bool {
        spider.is_script() || has_spider(&self.runners, self.project, spider) != Some(false)
    }

    fn refusal(&self, spider: &SpiderName) -> Error {
        let mut known: Vec<&str> = of_project(&self.runners, self.project)
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
        let project = self.project;
        let accepted = format!(
            "must be one that a runner of project {project} has, as its setting spiders=known says; {hint}"
        );
        Error::invalid("spider", accepted)
    }
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
    /// The spiders that may get a job in the project; `None`: all, unless its setting `spiders` is
    /// `known`.
    pub(super) async fn known_spiders(&self, project: ProjectId) -> Result<Option<KnownSpiders>> {
        if !self.only_known_spiders(project).await? {
            return Ok(None);
        }
        let runners = self.recent_runners().await;
        Ok(Some(KnownSpiders { project, runners, is_fresh: false }))
    }

    /// Refuses a spider that is not one of `known`.
    pub(super) async fn check_spider(
        &self,
        known: &mut Option<KnownSpiders>,
        spider: &SpiderName,
    ) -> Result<()> {
        let Some(known) = known.as_mut().filter(|known| !known.has(spider)) else { return Ok(()) };
        if !known.is_fresh {
            // A runner may have registered since. One look is enough for all jobs of a call.
            known.runners = self.look_at_runners().await?;
            known.is_fresh = true;
        }
        if known.has(spider) { Ok(()) } else { Err(known.refusal(spider)) }
    }

    /// What stands in the way of a job that was scheduled; nothing where it does not wait, or where
    /// no runner has ever registered: other programs take jobs too.
    pub async fn run_warnings(&self, job: &Job) -> Vec<RunWarning> {
        if job.state != State::Pending {
            return Vec::new();
        }
        let runners = self.recent_runners().await;
        if runners.is_empty() {
            return Vec::new();
        }
        let (project, spider) = (job.key.project, &job.spider);
        let is_unknown = has_spider(&runners, project, spider) == Some(false);
        let takers = runners.iter().filter(|listed| listed.is_active() && takes(listed, job));
        let most = takers.map(|listed| listed.runner.units).max();
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
    let mut may_have = Some(false);
    for listed in of_project(runners, project) {
        match listed.runner.has(spider) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => may_have = None,
        }
    }
    may_have
}

fn of_project(runners: &[ListedRunner], project: ProjectId) -> impl Iterator<Item = &ListedRunner> {
    let is_of = move |listed: &ListedRunner| listed.runner.projects.contains(&project);
    let any_active = runners.iter().any(|listed| is_of(listed) && listed.is_active());
    runners.iter().filter(move |listed| is_of(listed) && (!any_active || listed.is_active()))
}

#[cfg(test)]
mod tests;
