//! Jobs by key and by filter. `page.lua` names the candidates of a filter, their hashes say what
//! matches.

use std::cmp::Reverse;

use async_trait::async_trait;
use spiderq_core::{
    error::Result,
    model::{FieldSelection, Filter, Job, JobKey, Millis, ProjectId},
    store::{Change, Changed, JobStore, MAX_BATCH, Page, Purged, RequestDigest, count_by_pages},
};

use crate::{
    RedisStore, change,
    due::{makes_due, with_due},
    link::within,
    list_query::{Candidates, ListQuery, candidates, merge},
    names::ProjectNames,
    rows, scripts,
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

    /// Each of its steps has the timeout of a call, not all of them.
    async fn count(&self, project: ProjectId, filter: &Filter) -> Result<u64> {
        if let Some(query) = ListQuery::new(filter, MAX_BATCH)
            && ListQuery::is_exact(filter)
        {
            let keys = ProjectNames(project).script(None);
            return within(self.connection.run(&scripts::COUNT, &keys, &query)).await;
        }
        count_by_pages(self, project, filter).await
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
    let look = if ListQuery::is_exact(filter) { limit } else { MAX_BATCH };
    let Candidates { list, more } = look_up(store, project, filter, look).await?;
    let keys: Vec<JobKey> = list.iter().map(|(_, key)| *key).collect();
    let jobs = rows::get(store, &keys, &filter.fields_read(fields)).await?;
    let (mut kept, mut seen, looked_at): (Vec<Job>, usize, usize) = (Vec::new(), 0, list.len());
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
    let last = seen.checked_sub(1).map(|index| list[index].0);
    Ok(Page { jobs: kept, next: last.filter(|_| more || seen < looked_at) })
}

async fn look_up(
    store: &RedisStore,
    project: ProjectId,
    filter: &Filter,
    look: usize,
) -> Result<Candidates> {
    let Some(query) = ListQuery::new(filter, look) else {
        return Ok(Candidates::default());
    };
    let keys = ProjectNames(project).script(None);
    let (share, lists): (usize, Vec<Vec<String>>) =
        store.connection.run(&scripts::PAGE, &keys, &query).await?;
    let lists = lists.iter().map(|list| candidates(project, list));
    Ok(merge(lists.collect::<Result<_>>()?, share, look))
}
