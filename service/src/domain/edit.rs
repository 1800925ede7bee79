//! Tags and fields of several jobs, or of a whole spider (CONTRACT 3, update).

use super::{Domain, batch::found, check_items, check_project, known::Known};
use crate::auth::Caller;
use spiderq_core::{
    error::Result,
    model::{
        FieldSelection, Filter, JobKey, Metadata, ProjectId, Role, SpiderName, StateSet, TagChanges,
    },
    store::{Change, Effect, Holder, MAX_BATCH, Step},
};

/// What to change in which jobs.
#[derive(Debug)]
pub struct JobEdit {
    /// Where.
    pub project: ProjectId,
    /// In these jobs …
    pub keys: Vec<JobKey>,
    /// … or in every job of this spider that is not deleted.
    pub spider: Option<SpiderName>,
    /// Change of tags.
    pub tags: TagChanges,
    /// Merged.
    pub metadata: Metadata,
}

impl Domain {
    /// Makes the edit; answers how many jobs there are. For jobs over [`MAX_BATCH`] in number
    /// it goes in steps.
    pub async fn edit(&self, caller: &Caller, edit: JobEdit) -> Result<u64> {
        caller.may(Role::User, edit.project)?;
        let mut effect = Known::of(edit.metadata)?.effect();
        if !edit.tags.is_empty() {
            effect.tags = edit.tags;
        }
        let Some(spider) = edit.spider.filter(|_| edit.keys.is_empty()) else {
            check_items("keys", edit.keys.len())?;
            check_project(edit.project, &edit.keys)?;
            let mut count = 0;
            for chunk in edit.keys.chunks(MAX_BATCH) {
                count += self.edit_batch(edit.project, chunk, &effect).await?;
            }
            return Ok(count);
        };
        self.edit_spider(edit.project, spider, &effect).await
    }

    async fn edit_spider(
        &self,
        project: ProjectId,
        spider: SpiderName,
        effect: &Effect,
    ) -> Result<u64> {
        let mut filter =
            Filter { states: StateSet::LIVE, spiders: vec![spider], ..Filter::default() };
        let mut count = 0;
        loop {
            let page = self.store.page(project, &filter, MAX_BATCH, &FieldSelection::Row).await?;
            let keys: Vec<JobKey> = page.jobs.iter().map(|job| job.key).collect();
            if !keys.is_empty() {
                count += self.edit_batch(project, &keys, effect).await?;
            }
            match page.next {
                Some(next) => filter.until = Some(next),
                None => return Ok(count),
            }
        }
    }

    /// One step; a job that would get too many tags or too much metadata refuses it
    /// for all.
    async fn edit_batch(
        &self,
        project: ProjectId,
        keys: &[JobKey],
        effect: &Effect,
    ) -> Result<u64> {
        let step = if *effect == Effect::default() { Step::Keep } else { Step::Apply(0) };
        let changes = keys.iter().map(|key| Change {
            key: *key,
            holder: Holder::Anyone,
            on: [step; 4],
            effects: vec![effect.clone()],
        });
        let changes = changes.collect();
        let changed = self.store.change(project, changes, true, self.now(), None).await?;
        found(keys, changed, None)
    }
}
