//! Moving jobs to a state and setting their fields, each on its own (`docs/contract.md`, 4).

use std::collections::BTreeSet;

use super::{
    Domain, RequestId, SpiderRef,
    change_outcome::refusal,
    check_items,
    execution_fields::Write,
    reserved_fields::ReservedFields,
    step_digest,
    transition::{or_restore, towards},
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{
        Counters, Fence, JobKey, JsonText, Metadata, Move, Priority, ProjectId, Role, SpiderName,
        State, StateSet, TagChanges, Units,
    },
    store::{Change, Changed, Effect, Holder},
};

/// Which jobs an update changes.
#[derive(Clone, Debug)]
pub enum UpdateTarget {
    /// One job.
    Job(JobKey),
    /// Every job of a spider that is not deleted; if the update has a state, only those that
    /// can enter it or are in it.
    Spider(SpiderRef),
}

/// What to change in one job, or in all jobs of a spider.
#[derive(Debug)]
pub struct QueueUpdate {
    /// In which jobs.
    pub target: UpdateTarget,
    /// The state to enter.
    pub state: Option<State>,
    /// Fields to set.
    pub metadata: Metadata,
    /// They are made after `tags` of the metadata is set.
    pub tags: TagChanges,
    /// Takes precedence over that in the metadata.
    pub priority: Option<Priority>,
    /// Take precedence over those in the metadata.
    pub units: Option<Units>,
    /// Take precedence over those in `scrapystats`.
    pub counters: Counters,
    /// The secret of the attempt that must still hold the job.
    pub fence: Option<Fence>,
    /// Sets the field of that name.
    pub close_reason: Option<String>,
}

/// What became of one job of an update.
#[derive(Clone, Debug)]
pub struct UpdatedJob {
    /// Which job; `None` for an update that is refused before any job is looked at.
    pub key: Option<JobKey>,
    /// Index of the update that named it.
    pub update: usize,
    /// Its state before the update, or why it was refused.
    pub result: Result<State>,
}

impl Domain {
    /// Makes up to [`MAX_ITEMS`](spiderq_core::limits::MAX_ITEMS) updates in order. Those that are
    /// errors already stay errors.
    pub async fn update_queue(
        &self,
        caller: &Caller,
        project: ProjectId,
        updates: Vec<Result<QueueUpdate>>,
        request_id: Option<RequestId>,
    ) -> Result<Vec<UpdatedJob>> {
        may_update(caller, project)?;
        check_items("updates", updates.len())?;
        let split = |update: Result<QueueUpdate>| update?.split();
        let mut updates: Vec<_> = updates.into_iter().map(split).collect();
        let mut targets = updates.iter().flatten().map(|(update, _)| &update.target);
        if targets.any(|target| matches!(target, UpdateTarget::Spider(_))) {
            may_update_spiders(caller, project, request_id.is_some())?;
        }
        self.check_updates(caller, project, &mut updates).await?;
        self.end_outage_if_known().await;
        let mut batches = Batches::new(self, caller, project, request_id);
        for (index, update) in updates.into_iter().enumerate() {
            let update = update.and_then(|(mut update, fields)| {
                let effect = update.effect(fields)?;
                Ok((update, effect))
            });
            match update {
                Err(error) => batches.refuse(index, None, error).await?,
                Ok((update, effect)) => match &update.target {
                    UpdateTarget::Job(key) => batches.add(index, *key, &update, effect).await?,
                    UpdateTarget::Spider(spider) => {
                        batches.add_spider(index, spider, &update, &effect).await?;
                    }
                },
            }
        }
        batches.flush().await?;
        Ok(batches.done)
    }
}

/// An update, and the fields that it sets.
type SplitUpdate = (QueueUpdate, ReservedFields);

impl Domain {
    /// Makes errors of updates that set what the caller may not.
    async fn check_updates(
        &self,
        caller: &Caller,
        project: ProjectId,
        updates: &mut [Result<SplitUpdate>],
    ) -> Result<()> {
        let write = |(index, update)| Some((index, write_of(update)?));
        let writes = updates.iter_mut().enumerate().filter_map(write);
        let (indexes, writes): (Vec<usize>, Vec<_>) = writes.unzip();
        let checked = self.check_executed(caller, project, writes).await?;
        for (index, checked) in indexes.into_iter().zip(checked) {
            if let Err(error) = checked {
                updates[index] = Err(error);
            }
        }
        Ok(())
    }
}

/// The write of an update of one job.
fn write_of(update: &mut Result<SplitUpdate>) -> Option<Write<'_>> {
    let (update, fields) = update.as_mut().ok()?;
    let UpdateTarget::Job(key) = update.target else { return None };
    let own = [("priority", update.priority.is_some()), ("units", update.units.is_some())];
    let own_fields = own.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect();
    Some(Write { key, by_fence: update.fence.is_some(), fields, own_fields })
}

impl QueueUpdate {
    fn split(mut self) -> Result<SplitUpdate> {
        let mut fields = ReservedFields::split(std::mem::take(&mut self.metadata))?;
        if let Some(reason) = self.close_reason.take() {
            fields.rest.set("close_reason", JsonText::string(&reason));
            fields.rest.check_size().map_err(|error| error.at("metadata_json"))?;
        }
        fields.priority = self.priority.or(fields.priority);
        fields.units = self.units.or(fields.units);
        Ok((self, fields))
    }

    fn effect(&mut self, fields: ReservedFields) -> Result<Effect> {
        let mut effect = fields.effect_and(std::mem::take(&mut self.tags))?;
        effect.counters = self.counters.or(effect.counters);
        // A start may bring metadata beyond the limit of a job. How the job ended must fit all the same.
        let is_reason_alone = effect.set.iter().all(|(name, _)| name.as_str() == "close_reason");
        if self.state == Some(State::Finished) && is_reason_alone {
            effect.max_bytes = None;
        }
        Ok(effect)
    }
}

/// Updates on their way to the store, up to [`MAX_BATCH`] jobs in a step.
struct Batches<'a> {
    domain: &'a Domain,
    caller: &'a Caller,
    project: ProjectId,
    request_id: Option<RequestId>,
    step: usize,
    batch: Vec<(usize, Option<State>, Change)>,
    done: Vec<UpdatedJob>,
    /// Spiders whose jobs the call has read already.
    spiders: BTreeSet<SpiderName>,
}

impl<'a> Batches<'a> {
    fn new(
        domain: &'a Domain,
        caller: &'a Caller,
        project: ProjectId,
        request_id: Option<RequestId>,
    ) -> Self {
        let (batch, done, spiders) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { domain, caller, project, request_id, step: 0, batch, done, spiders }
    }

    /// Answers are in the order of the updates.
    async fn refuse(&mut self, update: usize, key: Option<JobKey>, error: Error) -> Result<()> {
        self.flush().await?;
        self.done.push(UpdatedJob { key, update, result: Err(error) });
        Ok(())
    }

    async fn add(
        &mut self,
        index: usize,
        key: JobKey,
        update: &QueueUpdate,
        effect: Effect,
    ) -> Result<()> {
        let holder = same_project(self.project, key.project)
            .and_then(|()| self.caller.may_write(key, update.fence.clone()));
        let holder = match holder {
            Ok(holder) => holder,
            Err(error) => return self.refuse(index, Some(key), error).await,
        };
        if matches!(holder, Holder::Fence(_)) && update.state == Some(State::Pending) {
            return self.give_back(index, key, holder, effect).await;
        }
        let actor = self.caller.actor();
        // Whoever must hold the job can't restore it: only a running job is held.
        let may_restore = holder == Holder::Anyone && update.state == Some(State::Finished);
        let base = may_restore.then(|| effect.clone());
        let mut steps = towards(update.state, effect, actor)?;
        if let Some(base) = base {
            steps = or_restore(steps, base, actor, self.domain.now())?;
        }
        let (on, effects) = steps;
        let change = Change { key, holder, unchanged_since: None, on, effects };
        self.batch.push((index, update.state, change));
        if self.batch.len() == MAX_BATCH {
            self.flush().await?;
        }
        Ok(())
    }

    /// A worker gives its job back: the one way to an earlier state that is asked for.
    async fn give_back(
        &mut self,
        index: usize,
        key: JobKey,
        holder: Holder,
        effect: Effect,
    ) -> Result<()> {
        if (Effect { max_bytes: None, ..effect }) != Effect::default() {
            let accepted = "pending, which gives a job back, must be the only change of its update";
            return self.refuse(index, Some(key), Error::invalid("state", accepted)).await;
        }
        self.flush().await?;
        let id = (self.request_id.as_ref(), self.step);
        let changed = self.domain.give_back(self.caller, self.project, key, holder, id).await?;
        self.step += 1;
        let result = previous_state(key, changed, Some(State::Pending));
        self.done.push(UpdatedJob { key: Some(key), update: index, result });
        Ok(())
    }

    async fn add_spider(
        &mut self,
        index: usize,
        spider: &SpiderRef,
        update: &QueueUpdate,
        effect: &Effect,
    ) -> Result<()> {
        // The updates before this one may change which jobs the spider has in which state.
        self.flush().await?;
        let name = match spider {
            SpiderRef::Name(name) => Some(name.clone()),
            SpiderRef::Number(number) => {
                self.domain.store.spider_name(self.project, *number).await?
            }
        };
        let Some(name) = name else {
            return Ok(());
        };
        // Each time it would be all of the spider's jobs, and a call has a thousand updates.
        if !self.spiders.insert(name.clone()) {
            let accepted = "must be another one in each update of a call";
            return self.refuse(index, None, Error::invalid("spider", accepted)).await;
        }
        let states = not_past(update.state);
        let mut jobs = self.domain.list_spider_jobs(self.project, name, states).await?;
        while let Some(job) = jobs.next().await? {
            self.add(index, job.key, update, effect.clone()).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let now = self.domain.now();
        let digest = step_digest(self.request_id.as_ref(), self.step, now);
        self.step += 1;
        let batch = std::mem::take(&mut self.batch);
        let changes = batch.iter().map(|(_, _, change)| change.clone()).collect();
        let store = &self.domain.store;
        let answers = store.change(self.project, changes, false, now, digest.as_ref()).await?;
        let mut ended = Vec::new();
        for ((update, to, change), changed) in batch.into_iter().zip(answers) {
            let (key, result) = (change.key, previous_state(change.key, changed, to));
            if to == Some(State::Finished) && result.is_ok() {
                ended.push(key);
            }
            self.done.push(UpdatedJob { key: Some(key), update, result });
        }
        self.domain.jobs_have_ended(&ended);
        Ok(())
    }
}

/// The state before the change, or why it was refused.
fn previous_state(key: JobKey, changed: Changed, to: Option<State>) -> Result<State> {
    match (changed, refusal(key, changed, to)) {
        (_, Some(error)) => Err(error),
        (Changed::Kept(previous) | Changed::Applied { previous, .. }, None) => Ok(previous),
        (_, None) => Err(Error::bug("a refused change without an error")),
    }
}

/// Whether the caller may update any job of the project; which ones, [`Caller::may_write`] says.
fn may_update(caller: &Caller, project: ProjectId) -> Result<()> {
    match caller {
        Caller::Job { key, .. } if key.project == project => Ok(()),
        Caller::Key { .. } | Caller::Job { .. } => caller.may(Role::Worker, project),
    }
}

/// Whether spiders may be updated. Which jobs a spider has differs from one call to the next, so
/// that there is no answer to keep under a request id.
fn may_update_spiders(caller: &Caller, project: ProjectId, has_request_id: bool) -> Result<()> {
    caller.may(Role::User, project)?;
    if has_request_id {
        let accepted = "can't go with a spider key; name the jobs";
        return Err(Error::invalid("request_id", accepted));
    }
    Ok(())
}

fn same_project(asked: ProjectId, named: ProjectId) -> Result<()> {
    if asked == named {
        return Ok(());
    }
    Err(Error::invalid("key", format!("must be a key of project {asked}")))
}

/// The states from which a job can enter `to`, and `to` itself; without `to` all but deleted.
fn not_past(to: Option<State>) -> StateSet {
    StateSet::NOT_DELETED
        .iter()
        .filter(|from| to.is_none_or(|to| from.move_to(to) != Move::Refused))
        .collect()
}

#[cfg(test)]
mod tests;
