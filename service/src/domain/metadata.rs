//! Metadata: setting and removing fields of one job (`docs/contract.md`, 5).

use super::{
    Domain,
    change_outcome::{no_job, refusal},
    execution_fields::{Write, removed},
    reserved_fields::{ReservedFields, is_read_only},
    transition::towards,
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{Fence, FieldName, FieldSelection, JobKey, Metadata, Millis, ProjectId, TagChanges},
    store::{Change, Effect},
};

/// What must hold for metadata to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataCondition {
    /// The secret of the attempt that must still hold the job.
    pub fence: Option<Fence>,
    /// When the job must have been written last.
    pub unchanged_since: Option<Millis>,
}

impl Domain {
    /// Sets fields of a job; those that only the service sets are skipped. Answers when the job was
    /// written last.
    pub async fn set_job_metadata(
        &self,
        caller: &Caller,
        key: JobKey,
        fields: Metadata,
        condition: MetadataCondition,
    ) -> Result<Millis> {
        let mut fields = ReservedFields::split(fields)?;
        caller.may_write(key, condition.fence.clone())?;
        let by_fence = condition.fence.is_some();
        let write = Write { key, by_fence, fields: &mut fields, own_fields: Vec::new() };
        self.check_executed_of_one(caller, write).await?;
        match self.change_metadata(caller, key, condition, fields.effect()).await? {
            Some(written) => Ok(written),
            // Nothing was to be set.
            None => {
                let job = self.job_of(key, &FieldSelection::Row).await?;
                job.map(|job| job.updated).ok_or_else(|| no_job(key))
            }
        }
    }

    /// Removes a field; no error when it or the job does not exist.
    pub async fn delete_job_metadata(
        &self,
        caller: &Caller,
        key: JobKey,
        field: FieldName,
        condition: MetadataCondition,
    ) -> Result<()> {
        caller.may_write(key, condition.fence.clone())?;
        let effect = removal(caller, key.project, &field)?;
        match self.change_metadata(caller, key, condition, effect).await {
            Err(Error::NotFound { .. }) => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// When the job was written; `None` when there was nothing to write.
    async fn change_metadata(
        &self,
        caller: &Caller,
        key: JobKey,
        condition: MetadataCondition,
        effect: Effect,
    ) -> Result<Option<Millis>> {
        let MetadataCondition { fence, unchanged_since } = condition;
        self.end_outage_if_known().await;
        let holder = caller.may_write(key, fence)?;
        let (on, effects) = towards(None, effect, caller.actor())?;
        let change = Change { key, holder, unchanged_since, on, effects };
        let changed = self.change_one(change, self.now()).await?;
        match refusal(key, changed, None) {
            Some(error) => Err(error),
            None => Ok(changed.written()),
        }
    }
}

/// What removes the field; every job has tags, priority and units, which get their defaults.
fn removal(caller: &Caller, project: ProjectId, field: &FieldName) -> Result<Effect> {
    let remove = removed(caller, project, field)?;
    Ok(match field.as_str() {
        "tags" => Effect {
            tags: TagChanges { clear: true, ..TagChanges::default() },
            ..Effect::default()
        },
        "priority" => Effect { priority: Some(Default::default()), ..Effect::default() },
        "units" => Effect { units: Some(Default::default()), ..Effect::default() },
        name if is_read_only(name) => Effect::default(),
        _ => Effect { remove, ..Effect::default() },
    })
}

#[cfg(test)]
mod tests;
