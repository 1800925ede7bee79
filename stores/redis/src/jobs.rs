//! Jobs by key and by filter. Sorted sets name the candidates of a filter (`query/`), their hashes
//! say what matches.

use std::cmp::Reverse;

use async_trait::async_trait;
use spiderq_core::{
    error::Result,
    model::{FieldSelection, Filter, Job, JobKey, Millis, ProjectId},
    store::{
        Change, Changed, JobStore, MAX_BATCH, Page, Purged, RequestDigest, Skipped, count_by_steps,
        skip_a_page,
    },
};

use crate::{
    RedisStore, change,
    due::{makes_due, with_due},
    link::within,
    query::{self, Candidates},
    rows,
};

#[async_trait]
impl JobStore for RedisStore {
    async fn get_first(
        &self,
        keys: &[JobKey],
        fields: &FieldSelection,
    ) -> Result<Vec<Option<Job>>> {
        within(rows::get(self, keys, fields)).await
    }

    async fn page(
        &self,
        project: ProjectId,
        filter: &Filter,
        limit: usize,
        fields: &FieldSelection,
    ) -> Result<Page> {
        within(page(self, project, filter, limit, fields)).await
    }

    async fn skip(&self, project: ProjectId, filter: &Filter, most: u64) -> Result<Skipped> {
        if filter.looks_into_jobs() {
            return skip_a_page(self, project, filter, most).await;
        }
        within(query::skip(self, project, filter, most)).await
    }

    /// Each of its steps has the timeout of a call, not all of them.
    async fn count(&self, project: ProjectId, filter: &Filter) -> Result<u64> {
        if filter.looks_into_jobs() {
            return count_by_steps(self, project, filter).await;
        }
        query::count(self, project, filter).await
    }

    async fn change(
        &self,
        project: ProjectId,
        changes: Vec<Change>,
        all_or_nothing: bool,
        now: Millis,
        request: Option<&RequestDigest>,
    ) -> Result<Vec<Changed>> {
        let any_due = changes.iter().flat_map(|change| &change.effects).any(makes_due);
        let done = change::change(self, project, &changes, all_or_nothing, now, request);
        within(with_due(self, project, any_due, now, done)).await
    }

    async fn purge(&self, key: JobKey) -> Result<Purged> {
        within(change::purge(self, key)).await
    }
}

async fn page(
    store: &RedisStore,
    project: ProjectId,
    filter: &Filter,
    limit: usize,
    fields: &FieldSelection,
) -> Result<Page> {
    let limit = limit.clamp(1, MAX_BATCH);
    // Where jobs may yet turn out not to match, more are looked at than are asked for.
    let look = if filter.looks_into_jobs() { MAX_BATCH } else { limit };
    let Candidates { list, next } = query::candidates(store, project, filter, look).await?;
    let keys: Vec<JobKey> = list.iter().map(|candidate| candidate.key).collect();
    let bytes: Vec<usize> = list.iter().map(|candidate| candidate.bytes).collect();
    let jobs = rows::get_sized(store, &keys, &bytes, &filter.fields_read(fields)).await?;
    let (mut kept, mut seen): (Vec<Job>, usize) = (Vec::new(), 0);
    for job in jobs {
        if kept.len() == limit {
            break;
        }
        seen += 1;
        // A job that has moved since stands at its new position, if it still matches there.
        kept.extend(job.filter(|job| filter.matches(job)));
    }
    for job in &mut kept {
        job.metadata.retain(|name| fields.includes(name));
    }
    kept.sort_by_key(|job| Reverse(job.position));
    let next =
        if seen < list.len() { seen.checked_sub(1).map(|last| list[last].position) } else { next };
    Ok(Page { jobs: kept, next })
}
