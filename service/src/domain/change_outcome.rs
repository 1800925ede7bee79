//! What a store's answer to a change means to the caller.

use super::Domain;
use spiderq_core::{
    error::{Error, ResourceKind, Result},
    limits::{MAX_BATCH, MAX_METADATA_BYTES, bytes_text},
    model::{JobKey, Millis, ProjectId, State, StateSet, Tags},
    store::{Change, Changed, Effect, Holder, Step},
};

/// The error that `changed` means, if it is one. `to` is the state that was asked for.
pub(super) fn refusal(key: JobKey, changed: Changed, to: Option<State>) -> Option<Error> {
    match changed {
        Changed::Kept(_) | Changed::Applied { .. } => None,
        Changed::Missing => Some(no_job(key)),
        Changed::Stale => Some(Error::Stale(key)),
        Changed::NotHeld => Some(not_held(key)),
        Changed::WrittenSince => Some(Error::EtagChanged(key)),
        // Tags of the metadata replace all, and are few enough.
        Changed::TooManyTags => Some(Tags::too_many().at("tag_changes.add")),
        Changed::TooLarge => {
            let limit = format!("must be at most {} in all", bytes_text(MAX_METADATA_BYTES));
            Some(Error::too_large("metadata", limit).at("metadata_json"))
        }
        Changed::AtLimit(limit) => Some(Error::AtLimit(limit)),
        Changed::Refused(state) => Some(wrong_state(key, state, to)),
    }
}

pub(super) fn no_job(key: JobKey) -> Error {
    let (message, kind) = (format!("there is no job {key}"), ResourceKind::Job);
    Error::NotFound { message, kind, name: key.to_string() }
}

pub(super) fn not_held(key: JobKey) -> Error {
    Error::forbidden(format!("job {key} is not run by this key's owner"))
}

/// The error of a job in `state` that can't enter `to`.
pub(super) fn wrong_state(key: JobKey, state: State, to: Option<State>) -> Error {
    let name = state.as_str();
    let message = match to {
        Some(State::Deleted) => format!("job {key} is {name}: stop it first"),
        Some(to) => format!("job {key} is {name}, it can't become {}", to.as_str()),
        None => format!("job {key} is {name}"),
    };
    Error::WrongState { message, job: key, state }
}

impl Domain {
    /// Makes one change and returns its outcome.
    pub(super) async fn change_one(&self, change: Change, now: Millis) -> Result<Changed> {
        let project = change.key.project;
        let changed = self.store.change(project, vec![change], false, now, None).await?;
        changed.into_iter().next().ok_or_else(|| Error::bug("change answered nothing"))
    }

    /// Makes the same change to those of `keys` that are in one of `states`. `holder` must hold
    /// them. Up to [`MAX_BATCH`] are changed in one step or not at all; returns how many there are.
    /// The first refusal is the whole call's.
    pub(super) async fn change_all(
        &self,
        project: ProjectId,
        keys: &[JobKey],
        holder: &Holder,
        (on, effects): &([Step; 4], Vec<Effect>),
        to: Option<State>,
        states: StateSet,
    ) -> Result<u64> {
        let step =
            |state: State| if states.contains(state) { on[state.index()] } else { Step::Keep };
        let on = State::ALL.map(step);
        let mut count = 0;
        for chunk in keys.chunks(MAX_BATCH) {
            let change = |key: &JobKey| Change {
                key: *key,
                holder: holder.clone(),
                unchanged_since: None,
                on,
                effects: effects.clone(),
            };
            let changes = chunk.iter().map(change).collect();
            let changed = self.store.change(project, changes, true, self.now(), None).await?;
            count += count_existing(chunk, changed, to, states)?;
        }
        Ok(count)
    }
}

fn count_existing(
    keys: &[JobKey],
    changed: Vec<Changed>,
    to: Option<State>,
    states: StateSet,
) -> Result<u64> {
    let mut count = 0;
    for (key, changed) in keys.iter().zip(changed) {
        match refusal(*key, changed, to) {
            Some(Error::NotFound { .. }) => {}
            Some(error) => return Err(error),
            None if matches!(changed, Changed::Kept(state) if !states.contains(state)) => {}
            None => count += 1,
        }
    }
    Ok(count)
}
