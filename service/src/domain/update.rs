//! Update: moving jobs to a state and merging fields, each on its own (CONTRACT 4).

use super::{
    Domain, ItemError, Updated, batch::refusal, check_items, known::Known, request::RequestId,
    transition::towards,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{
        Actor, Counters, Fence, FieldSelection, Filter, JobKey, JsonText, Metadata, Move, Priority,
        ProjectId, Role, SpiderKey, State, StateSet, TagChanges, Units,
    },
    store::{Change, Changed, Effect, MAX_BATCH},
};

/// Which jobs an update is about.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// One job.
    Job(JobKey),
    /// Every job of a spider that is not deleted; with a state, those not past it.
    Spider(SpiderKey),
}

/// What to change.
#[derive(Debug)]
pub struct Update {
    /// In which jobs.
    pub target: Target,
    /// State to move to.
    pub state: Option<State>,
    /// Merged.
    pub metadata: Metadata,
    /// Change of tags; on top of `tags` in the metadata.
    pub tags: TagChanges,
    /// New rank.
    pub priority: Option<Priority>,
    /// New weight.
    pub units: Option<Units>,
    /// Counted.
    pub counters: Counters,
    /// Secret of the attempt.
    pub fence: Option<Fence>,
    /// Sets the metadata of that name.
    pub close_reason: Option<String>,
}

impl Domain {
    /// Makes up to [`MAX_ITEMS`](super::MAX_ITEMS) updates in order. Jobs that do not
    /// exist are left out of the answer.
    pub async fn update(
        &self,
        caller: &Caller,
        project: ProjectId,
        updates: Vec<Update>,
        request: Option<RequestId>,
    ) -> Result<Vec<Updated>> {
        may_update(caller, project)?;
        check_items("updates", updates.len())?;
        // All are checked before the first is made: a bad one leaves nothing half done.
        let updates = updates
            .into_iter()
            .map(|mut update| update.effect().map(|effect| (update, effect)))
            .collect::<Result<Vec<_>>>()?;
        check_spiders(caller, project, updates.iter().map(|(update, _)| update), &request)?;
        let mut run = Run::new(self, caller, project, request);
        for (index, (update, effect)) in updates.into_iter().enumerate() {
            match update.target {
                Target::Job(key) => run.job(index, key, &update, effect).await?,
                Target::Spider(key) => run.spider(index, key, &update, effect).await?,
            }
        }
        run.flush().await?;
        Ok(run.done)
    }
}

impl Update {
    fn effect(&mut self) -> Result<Effect> {
        let mut known = Known::of(std::mem::take(&mut self.metadata))?;
        if let Some(reason) = self.close_reason.take() {
            known.rest.set("close_reason", JsonText::string(&reason));
            known.rest.check_size()?;
        }
        let mut effect = known.effect();
        if !self.tags.is_empty() {
            effect.tags = std::mem::take(&mut self.tags);
        }
        effect.priority = self.priority.or(effect.priority);
        effect.units = self.units.or(effect.units);
        effect.counters = self.counters.or(effect.counters);
        Ok(effect)
    }
}

/// Updates on their way to the store, in batches.
struct Run<'a> {
    domain: &'a Domain,
    caller: &'a Caller,
    project: ProjectId,
    request: Option<RequestId>,
    part: usize,
    batch: Vec<(usize, Option<State>, Change)>,
    done: Vec<Updated>,
}

impl<'a> Run<'a> {
    fn new(
        domain: &'a Domain,
        caller: &'a Caller,
        project: ProjectId,
        request: Option<RequestId>,
    ) -> Self {
        let (batch, done) = (Vec::new(), Vec::new());
        Self { domain, caller, project, request, part: 0, batch, done }
    }

    async fn job(
        &mut self,
        index: usize,
        key: JobKey,
        update: &Update,
        effect: Effect,
    ) -> Result<()> {
        let holder = same_project(self.project, key.project)
            .and_then(|()| self.caller.may_write(key, update.fence.clone()));
        let holder = match holder {
            Ok(holder) => holder,
            Err(error) => {
                self.flush().await?;
                self.done.push(Updated { key, update: index, result: Err(ItemError::of(&error)) });
                return Ok(());
            }
        };
        let (on, effects) = towards(update.state, effect, self.actor())?;
        self.batch.push((index, update.state, Change { key, holder, on, effects }));
        if self.batch.len() == MAX_BATCH {
            self.flush().await?;
        }
        Ok(())
    }

    /// Page by page from the latest: jobs that move get later places, behind the walk.
    async fn spider(
        &mut self,
        index: usize,
        spider: SpiderKey,
        update: &Update,
        effect: Effect,
    ) -> Result<()> {
        self.flush().await?;
        let store = &self.domain.store;
        let Some(name) = store.spider_name(spider.project, spider.spider).await? else {
            return Ok(());
        };
        let mut filter =
            Filter { states: not_past(update.state), spiders: vec![name], ..Filter::default() };
        loop {
            let page = store.page(spider.project, &filter, MAX_BATCH, &FieldSelection::Row).await?;
            for job in page.jobs {
                self.job(index, job.key, update, effect.clone()).await?;
            }
            self.flush().await?;
            match page.next {
                Some(next) => filter.until = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let now = self.domain.now();
        let request = self.request.as_ref().map(|request| request.part(self.part, now));
        self.part += 1;
        let batch = std::mem::take(&mut self.batch);
        let changes = batch.iter().map(|(_, _, change)| change.clone()).collect();
        let answers =
            self.domain.store.change(self.project, changes, false, now, request.as_ref()).await?;
        for ((update, to, change), changed) in batch.into_iter().zip(answers) {
            let key = change.key;
            let result = match changed {
                Changed::Missing => continue,
                Changed::Kept(previous) | Changed::Applied { previous, .. } => Ok(previous),
                Changed::Refused(_)
                | Changed::Stale
                | Changed::NotHeld
                | Changed::TooManyTags
                | Changed::TooLarge
                | Changed::AtLimit(_) => {
                    let error = refusal(key, changed, to);
                    Err(ItemError::of(&error.unwrap_or_else(|| Error::bug("no refusal"))))
                }
            };
            self.done.push(Updated { key, update, result });
        }
        Ok(())
    }

    fn actor(&self) -> &Actor {
        self.caller.actor()
    }
}

/// Whether it may update any job of the project at all; which ones, each job says.
fn may_update(caller: &Caller, project: ProjectId) -> Result<()> {
    match caller {
        Caller::Job { key, .. } if key.project == project => Ok(()),
        Caller::Key { .. } | Caller::Job { .. } => caller.may(Role::Worker, project),
    }
}

/// Whether every spider that is named may be updated. Which jobs a spider has differs from
/// one call to the next, so that there is no answer to keep under a request id.
fn check_spiders<'a>(
    caller: &Caller,
    project: ProjectId,
    updates: impl Iterator<Item = &'a Update>,
    request: &Option<RequestId>,
) -> Result<()> {
    for update in updates {
        let Target::Spider(spider) = update.target else {
            continue;
        };
        same_project(project, spider.project)?;
        caller.may(Role::User, project)?;
        if request.is_some() {
            let message = "can't go with a spider key; name the jobs";
            return Err(Error::invalid("request_id", message));
        }
    }
    Ok(())
}

fn same_project(asked: ProjectId, named: ProjectId) -> Result<()> {
    if asked == named {
        return Ok(());
    }
    Err(Error::invalid("key", format!("must be a key of project {asked}")))
}

/// Not deleted, and not already past `to`.
fn not_past(to: Option<State>) -> StateSet {
    StateSet::LIVE
        .iter()
        .filter(|from| to.is_none_or(|to| from.move_to(to) != Move::Refused))
        .collect()
}
