//! Lists and counts: `page.lua` names the candidates of a filter, their hashes say what
//! matches.

use std::cmp::Reverse;

use super::{
    RedisStore,
    connection::{unpack, within},
    keys::Keys,
    read,
    reply::job_key,
    scripts,
    sets::SetsArg,
};
use spiderq_core::{
    error::Result,
    model::{FieldSelection, Filter, Job, JobKey, Position, ProjectId},
    store::{MAX_BATCH, Page},
};

/// A member of a sorted set.
type Candidate = (Position, JobKey);

/// Candidates of a filter, highest first, and whether there are more below.
struct Candidates {
    list: Vec<Candidate>,
    more: bool,
}

/// [`Store::page`](spiderq_core::store::Store::page).
pub(super) async fn page(
    store: &RedisStore,
    project: ProjectId,
    filter: &Filter,
    limit: usize,
    fields: &FieldSelection,
) -> Result<Page> {
    let limit = limit.clamp(1, MAX_BATCH);
    // Where jobs may yet turn out not to match, more are looked at than are asked for.
    let look = if SetsArg::is_exact(filter) { limit } else { MAX_BATCH };
    let Candidates { list, more } = candidates(store, project, filter, look).await?;
    let keys: Vec<JobKey> = list.iter().map(|(_, key)| *key).collect();
    let jobs = read::get(store, &keys, fields).await?;
    let (mut kept, mut seen, looked_at): (Vec<Job>, usize, usize) = (Vec::new(), 0, list.len());
    for job in jobs {
        if kept.len() == limit {
            break;
        }
        seen += 1;
        // A job that has moved since stands at its new place, if it still matches there.
        kept.extend(job.filter(|job| filter.matches(job)));
    }
    kept.sort_by_key(|job| Reverse(job.position));
    let last = seen.checked_sub(1).map(|index| list[index].0);
    Ok(Page { jobs: kept, next: last.filter(|_| more || seen < looked_at) })
}

/// [`Store::count`](spiderq_core::store::Store::count); each step ends at the deadline.
pub(super) async fn count(store: &RedisStore, project: ProjectId, filter: &Filter) -> Result<u64> {
    if let Some(argument) = SetsArg::new(filter, MAX_BATCH)
        && SetsArg::is_exact(filter)
    {
        let keys = Keys(project).script(None);
        return within(store.connection.run(&scripts::COUNT, &keys, &argument)).await;
    }
    let (mut rest, mut sum) = (filter.clone(), 0);
    loop {
        let part = within(page(store, project, &rest, MAX_BATCH, &FieldSelection::Row)).await?;
        sum += part.jobs.len() as u64;
        match part.next {
            Some(next) => rest.until = Some(next),
            None => return Ok(sum),
        }
    }
}

/// [`Store::oldest_pending`](spiderq_core::store::Store::oldest_pending).
pub(super) async fn oldest_pending(
    store: &RedisStore,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<JobKey>> {
    let Some(last) = limit.min(MAX_BATCH).checked_sub(1) else {
        return Ok(Vec::new());
    };
    let mut pipe = redis::pipe();
    pipe.atomic();
    for queue in Keys(project).queues() {
        pipe.cmd("ZRANGE").arg(queue).arg(0).arg(last).arg("WITHSCORES");
    }
    let lanes: Vec<Vec<(String, f64)>> = store.connection.pipe(&pipe).await?;
    let mut found: Vec<(String, f64)> = lanes.into_iter().flatten().collect();
    found.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    found.truncate(last + 1);
    found.iter().map(|(member, _)| job_key(project, member)).collect()
}

async fn candidates(
    store: &RedisStore,
    project: ProjectId,
    filter: &Filter,
    look: usize,
) -> Result<Candidates> {
    let Some(argument) = SetsArg::new(filter, look) else {
        return Ok(Candidates { list: Vec::new(), more: false });
    };
    let keys = Keys(project).script(None);
    let packed: Vec<u8> = store.connection.run(&scripts::PAGE, &keys, &argument).await?;
    let (share, lists): (usize, Vec<Vec<String>>) = unpack(&packed)?;
    let lists: Result<Vec<Vec<Candidate>>> = lists
        .into_iter()
        .map(|list| list.chunks_exact(2).map(|pair| candidate(project, pair)).collect())
        .collect();
    Ok(merge(lists?, share, look))
}

fn candidate(project: ProjectId, pair: &[String]) -> Result<Candidate> {
    let bad = || super::errors::bad_reply("a member without a position");
    let [member, position] = pair else {
        return Err(bad());
    };
    let position = position.parse().map_err(|_| bad())?;
    Ok((Position(position), job_key(project, member)?))
}

/// Below the end of a list that was cut off at `share`, others cannot be merged with it.
fn merge(lists: Vec<Vec<Candidate>>, share: usize, look: usize) -> Candidates {
    let cut = lists
        .iter()
        .filter(|list| list.len() >= share)
        .filter_map(|list| list.last())
        .map(|(position, _)| *position)
        .max();
    let mut list: Vec<Candidate> = lists.into_iter().flatten().collect();
    list.sort_by_key(|(position, _)| Reverse(*position));
    list.dedup();
    if let Some(cut) = cut {
        list.retain(|(position, _)| *position >= cut);
    }
    let more = cut.is_some() || list.len() > look;
    list.truncate(look);
    Candidates { list, more }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(positions: &[u64]) -> Vec<Candidate> {
        let key = |n: u64| JobKey::parse(&format!("1/1/{n}")).unwrap();
        positions.iter().map(|n| (Position(*n), key(*n))).collect()
    }

    #[test]
    fn a_merge_ends_where_a_list_was_cut_off() {
        let merged = merge(vec![list(&[9, 7]), list(&[8, 3]), list(&[5])], 2, 10);
        assert_eq!(merged.list, list(&[9, 8, 7]));
        assert!(merged.more);
    }

    #[test]
    fn a_job_in_two_lists_counts_once() {
        let merged = merge(vec![list(&[9, 7]), list(&[9, 8])], 5, 10);
        assert_eq!(merged.list, list(&[9, 8, 7]));
        assert!(!merged.more);
    }
}
