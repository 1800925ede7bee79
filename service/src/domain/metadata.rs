//! Metadata: setting and removing fields of one job (`docs/contract.md`, 5).

use super::{
    Domain,
    change_outcome::refusal,
    reserved_fields::{ReservedFields, is_read_only},
    transition::towards,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{Fence, FieldName, JobKey, Metadata, TagChanges},
    store::{Change, Effect},
};

impl Domain {
    /// Sets fields of a job; those that only the service sets are skipped.
    pub async fn set_job_metadata(
        &self,
        caller: &Caller,
        key: JobKey,
        fields: Metadata,
        fence: Option<Fence>,
    ) -> Result<()> {
        let effect = ReservedFields::split(fields)?.effect();
        self.change_metadata(caller, key, fence, effect).await
    }

    /// Removes a field; no error when it or the job does not exist.
    pub async fn delete_job_metadata(
        &self,
        caller: &Caller,
        key: JobKey,
        field: FieldName,
        fence: Option<Fence>,
    ) -> Result<()> {
        match self.change_metadata(caller, key, fence, removal(field)).await {
            Err(Error::NotFound(_)) => Ok(()),
            done => done,
        }
    }

    async fn change_metadata(
        &self,
        caller: &Caller,
        key: JobKey,
        fence: Option<Fence>,
        effect: Effect,
    ) -> Result<()> {
        let holder = caller.may_write(key, fence)?;
        let (on, effects) = towards(None, effect, caller.actor())?;
        let changed = self.change_one(Change { key, holder, on, effects }, self.now()).await?;
        refusal(key, changed, None).map_or(Ok(()), Err)
    }
}

fn removal(field: FieldName) -> Effect {
    match field.as_str() {
        "tags" => Effect {
            tags: TagChanges { clear: true, ..TagChanges::default() },
            ..Effect::default()
        },
        // Every job has these: removing them restores their defaults.
        "priority" => Effect { priority: Some(Default::default()), ..Effect::default() },
        "units" => Effect { units: Some(Default::default()), ..Effect::default() },
        name if is_read_only(name) => Effect::default(),
        _ => Effect { remove: vec![field], ..Effect::default() },
    }
}

#[cfg(test)]
mod tests;
