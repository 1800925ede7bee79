//! Whether anybody can run a job: its spider is compared with those that the runners' code has, and
//! the job with what runners take. The project's setting `spiders` says whether a job of a spider
//! that no runner has is refused.

use std::{collections::BTreeSet, fmt};

use super::{Domain, runners::ListedRunner};
use spiderq_core::{
    error::{Error, Result},
    model::{Job, ProjectId, SpiderName, SpiderNames, State, Tag},
};

/// Spiders that an error names.
const NAMED_SPIDERS: usize = 10;
/// A name with up to so many wrong letters is suggested.
const MAX_TYPOS: usize = 2;
/// Suggestions of one call. Those that follow them just say that the spider is not known.
const SUGGESTIONS: usize = 3;
/// Bytes of a name for which another one is suggested: to compare two takes the square of them.
const MAX_SUGGESTED_BYTES: usize = 64;
/// Names that are looked at for one suggestion, and those of about its length that are compared:
/// about 10 ms at most.
const SEARCHED_SPIDERS: usize = 50_000;
const COMPARED_SPIDERS: usize = 2_000;

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
    /// Each list once: runners of the same code share it.
    lists: Vec<SpiderNames>,
    /// A runner can't list its spiders, and may have any.
    has_any: bool,
    /// Whether this call itself has looked at the runners.
    is_fresh: bool,
    /// Names that may still be suggested in this call, since each takes time.
    suggestions: usize,
}

impl KnownSpiders {
    fn new(project: ProjectId, runners: &[ListedRunner], is_fresh: bool) -> Self {
        let mut lists: Vec<SpiderNames> = Vec::new();
        let mut has_any = false;
        for listed in of_project(runners, project) {
            match &listed.runner.spiders {
                None => has_any = true,
                Some(names) if lists.iter().any(|known| known.is_same(names)) => {}
                Some(names) => lists.push(names.clone()),
            }
        }
        Self { project, lists, has_any, is_fresh, suggestions: SUGGESTIONS }
    }

    /// Whether a runner has it, may have it, or it is a script, which nobody lists.
    fn has(&self, spider: &SpiderName) -> bool {
        self.has_any || spider.is_script() || self.lists.iter().any(|names| names.contains(spider))
    }

    fn refusal(&mut self, spider: &SpiderName) -> Error {
        let hint = match (self.suggestion(spider), self.all()) {
            (Some(near), _) => format!("did you mean {near}?"),
            (None, Ok(known)) if known.is_empty() => {
                "no runner has said which spiders it has".to_owned()
            }
            (None, Ok(known)) => format!("they have {}", known.join(", ")),
            (None, Err(TooMany)) => format!("they have more than {NAMED_SPIDERS} spiders"),
        };
        let project = self.project;
        let accepted = format!(
            "must be one that a runner of project {project} has, as its setting spiders=known says; {hint}"
        );
        Error::invalid("spider", accepted)
    }

    /// A name that differs in few letters.
    fn suggestion(&mut self, spider: &SpiderName) -> Option<String> {
        self.suggestions = self.suggestions.checked_sub(1)?;
        let name = spider.as_str();
        if name.len() > MAX_SUGGESTED_BYTES {
            return None;
        }
        let is_near = |other: &&str| other.len().abs_diff(name.len()) <= MAX_TYPOS;
        let names = self.lists.iter().flat_map(SpiderNames::iter).take(SEARCHED_SPIDERS);
        let compared = names.filter(is_near).take(COMPARED_SPIDERS);
        let distances = compared.map(|other| (strsim::levenshtein(other, name), other));
        let (typos, near) = distances.min()?;
        (typos <= MAX_TYPOS).then(|| near.to_owned())
    }

    /// All names in order, if they are few.
    fn all(&self) -> Result<Vec<&str>, TooMany> {
        let mut known = BTreeSet::new();
        for name in self.lists.iter().flat_map(SpiderNames::iter) {
            known.insert(name);
            if known.len() > NAMED_SPIDERS {
                return Err(TooMany);
            }
        }
        Ok(known.into_iter().collect())
    }
}

/// More names than an error shows.
struct TooMany;

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
        Ok(Some(KnownSpiders::new(project, &runners, false)))
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
            *known = KnownSpiders::new(known.project, &self.look_at_runners().await?, true);
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
