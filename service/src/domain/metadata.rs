//! Metadata: merging and removing fields of one job (CONTRACT 5).

use super::{
    Domain,
    batch::refusal,
    known::{Known, is_read_only},
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    model::{Fence, FieldName, JobKey, Metadata, TagChanges},
    store::{Change, Effect, Step},
};

impl Domain {
    /// Merges fields into a job's metadata; those that only the service sets are skipped.
    pub async fn set_metadata(
        &self,
        caller: &Caller,
        key: JobKey,
        fields: Metadata,
        fence: Option<Fence>,
    ) -> Result<()> {
        let effect = Known::of(fields)?.effect();
        self.change_one(caller, key, fence, effect).await
    }

    /// Removes a field; no error when it or the job is not there.
    pub async fn delete_metadata(
        &self,
        caller: &Caller,
        key: JobKey,
        field: FieldName,
        fence: Option<Fence>,
    ) -> Result<()> {
        let effect = match field.as_str() {
            "tags" => Effect {
                tags: TagChanges { clear: true, ..TagChanges::default() },
                ..Effect::default()
            },
            // These are always there; removing them gives them their defaults.
            "priority" => Effect { priority: Some(Default::default()), ..Effect::default() },
            "units" => Effect { units: Some(Default::default()), ..Effect::default() },
            name if is_read_only(name) => Effect::default(),
            _ => Effect { remove: vec![field], ..Effect::default() },
        };
        match self.change_one(caller, key, fence, effect).await {
            Err(Error::NotFound(_)) => Ok(()),
            done => done,
        }
    }

    async fn change_one(
        &self,
        caller: &Caller,
        key: JobKey,
        fence: Option<Fence>,
        effect: Effect,
    ) -> Result<()> {
        let step = if effect == Effect::default() { Step::Keep } else { Step::Apply(0) };
        let change = Change {
            key,
            holder: caller.may_write(key, fence)?,
            on: [step; 4],
            effects: vec![effect],
        };
        let now = self.now();
        let changed = self.store.change(key.project, vec![change], false, now, None).await?;
        match changed.first() {
            Some(changed) => refusal(key, *changed, None).map_or(Ok(()), Err),
            None => Err(Error::bug("change answered nothing")),
        }
    }
}
