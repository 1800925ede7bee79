//! Questions about the jobs of a project: which match a filter, from a position down, and how many
//! do. Sorted sets answer, as far as they know; rows are read only of jobs that match as far as sets
//! tell. No script looks at more than about a thousand entries.

mod sets;

use std::cmp::Reverse;

use serde::Serialize;
use spiderq_core::{
    error::Result,
    model::{Filter, JobKey, Position, ProjectId},
    query::{Count, Group, Sizes, Walk, Wanted},
    store::Skipped,
};

use self::sets::{Rest, Sets};
use crate::{
    RedisStore,
    error::bad_reply,
    link::within,
    names::{ProjectNames, job_key},
    scripts,
};

/// More jobs than there can be; Lua's numbers are exact up to it.
const ALL: u64 = 1 << 53;
/// Sets in which a place is found by their sizes; more are gone over.
const MAX_SEARCHED_SETS: usize = 64;

/// A job that matches as far as sets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) position: Position,
    pub(crate) key: JobKey,
    /// Of its metadata; 0 where nobody asked.
    pub(crate) bytes: usize,
}

/// Some of them, highest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Candidates {
    pub(crate) list: Vec<Candidate>,
    /// Where those below begin; `None` if there are none.
    pub(crate) next: Option<Position>,
}

#[derive(Serialize)]
struct PageArg {
    drive: Sets,
    minus: Option<Sets>,
    rest: Rest,
    from: u64,
    until: u64,
    look: u64,
    counts: bool,
    with_bytes: bool,
}

#[derive(Serialize)]
struct SeekArg {
    plus: Sets,
    minus: Option<Sets>,
    from: u64,
    until: u64,
    most: u64,
}

#[derive(Serialize)]
struct CountArg {
    groups: Vec<Sets>,
    from: u64,
    until: u64,
}

/// How many match, members and positions of those in turn, their bytes, and where the rest begins;
/// 0: nowhere.
type Found = (u64, Vec<String>, Vec<String>, u64);

/// What is asked of the matches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Up to so many, with the bytes of their metadata.
    JobsWithBytes(usize),
    /// Up to so many.
    Jobs(usize),
    /// How many there are.
    Count,
}

/// Up to `look` candidates of a filter. There may be fewer, even none, before the end.
pub(crate) async fn candidates(
    store: &RedisStore,
    project: ProjectId,
    filter: &Filter,
    look: usize,
) -> Result<Candidates> {
    let Some((walk, sizes)) = walk(store, project, filter).await? else {
        return Ok(Candidates::default());
    };
    look_up(store, project, &walk, &sizes, Asked::JobsWithBytes(look)).await
}

/// [`spiderq_core::store::JobStore::skip`] for a filter that sets decide.
pub(crate) async fn skip(
    store: &RedisStore,
    project: ProjectId,
    filter: &Filter,
    most: u64,
) -> Result<Skipped> {
    let Some((walk, sizes)) = walk(store, project, filter).await? else {
        return Ok(Skipped { jobs: 0, next: None });
    };
    let wanted = &walk.wanted;
    let plus = Sets::driven(wanted, &walk.drive);
    if walk.is_sized() && plus.len() <= MAX_SEARCHED_SETS {
        let argument = SeekArg {
            plus,
            minus: walk.passes_over(&sizes).map(|group| Sets::of(wanted, &group)),
            from: wanted.from,
            until: wanted.until,
            most: most.min(ALL),
        };
        let (jobs, last): (u64, u64) = run(store, project, &scripts::SEEK, &argument).await?;
        return Ok(Skipped { jobs, next: (last > 0).then_some(Position(last)) });
    }
    let look = usize::try_from(most).unwrap_or(usize::MAX);
    let Candidates { list, next } =
        look_up(store, project, &walk, &sizes, Asked::Jobs(look)).await?;
    Ok(Skipped { jobs: list.len() as u64, next })
}

/// How many match a filter that sets decide. Each step has the timeout of a call.
pub(crate) async fn count(store: &RedisStore, project: ProjectId, filter: &Filter) -> Result<u64> {
    let Some(wanted) = Wanted::new(filter) else { return Ok(0) };
    let sizes = within(sizes(store, project, &wanted, wanted.groups())).await?;
    let count = Count::new(wanted, &sizes);
    tracing::debug!(project = project.get(), %count, "counting");
    let mut sum = count.known;
    for (sign, walk) in &count.walks {
        let mut until = walk.wanted.until;
        while until > 0 {
            let argument = page_arg(walk, &sizes, until, Asked::Count);
            let step = run(store, project, &scripts::PAGE, &argument);
            let (matches, _, _, next): Found = within(step).await?;
            sum += sign * i64::try_from(matches).unwrap_or(i64::MAX);
            until = next;
        }
    }
    Ok(u64::try_from(sum).unwrap_or(0))
}

/// How to go over the jobs of a filter; `None` where none can match.
async fn walk(
    store: &RedisStore,
    project: ProjectId,
    filter: &Filter,
) -> Result<Option<(Walk, Sizes)>> {
    let Some(wanted) = Wanted::new(filter) else { return Ok(None) };
    let sizes = sizes(store, project, &wanted, Walk::choice(&wanted)).await?;
    let walk = Walk::new(wanted, &sizes);
    tracing::debug!(project = project.get(), %walk, "reading");
    Ok(Some((walk, sizes)))
}

async fn sizes(
    store: &RedisStore,
    project: ProjectId,
    wanted: &Wanted,
    groups: Vec<Group>,
) -> Result<Sizes> {
    if groups.is_empty() {
        return Ok(Sizes::default());
    }
    let argument = CountArg {
        groups: groups.iter().map(|group| Sets::of(wanted, group)).collect(),
        from: wanted.from,
        until: wanted.until,
    };
    let sizes: Vec<u64> = run(store, project, &scripts::COUNT, &argument).await?;
    Ok(Sizes(groups.into_iter().zip(sizes).collect()))
}

async fn look_up(
    store: &RedisStore,
    project: ProjectId,
    walk: &Walk,
    sizes: &Sizes,
    asked: Asked,
) -> Result<Candidates> {
    let argument = page_arg(walk, sizes, walk.wanted.until, asked);
    let found: Found = run(store, project, &scripts::PAGE, &argument).await?;
    let look = usize::try_from(argument.look).unwrap_or(usize::MAX);
    merged(project, &found, look)
}

fn page_arg(walk: &Walk, sizes: &Sizes, until: u64, asked: Asked) -> PageArg {
    let wanted = &walk.wanted;
    let look = match asked {
        Asked::JobsWithBytes(look) | Asked::Jobs(look) => (look as u64).min(ALL),
        Asked::Count => ALL,
    };
    PageArg {
        drive: Sets::driven(wanted, &walk.drive),
        minus: walk.passes_over(sizes).map(|group| Sets::of(wanted, &group)),
        rest: Rest::of(&wanted.rest(&walk.drive)),
        from: wanted.from,
        until,
        look,
        counts: asked == Asked::Count,
        with_bytes: matches!(asked, Asked::JobsWithBytes(_)),
    }
}

async fn run<T: serde::de::DeserializeOwned>(
    store: &RedisStore,
    project: ProjectId,
    script: &redis::Script,
    argument: &impl Serialize,
) -> Result<T> {
    store.connection.run(script, &ProjectNames(project).script(None), argument).await
}

/// The first `look` of what a page found: in order, and each once.
fn merged(project: ProjectId, found: &Found, look: usize) -> Result<Candidates> {
    let (_, flat, bytes, next) = found;
    let number = |text: &String| text.parse().map_err(bad_reply);
    let candidate = |(index, pair): (usize, &[String])| match pair {
        [member, position] => Ok(Candidate {
            position: Position(position.parse().map_err(bad_reply)?),
            key: job_key(project, member)?,
            bytes: bytes.get(index).map_or(Ok(0), number)?,
        }),
        _ => Err(bad_reply("a member without a position")),
    };
    let pairs = flat.chunks(2).enumerate();
    let mut list: Vec<Candidate> = pairs.map(candidate).collect::<Result<_>>()?;
    list.sort_by_key(|candidate| Reverse(candidate.position));
    list.dedup_by_key(|candidate| (candidate.position, candidate.key));
    let mut next = (*next > 0).then_some(Position(*next));
    if list.len() > look {
        list.truncate(look);
        next = list.last().map(|candidate| candidate.position);
    }
    Ok(Candidates { list, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(positions: &[u64], next: u64, look: usize) -> (Vec<u64>, Option<u64>) {
        let project = ProjectId::new(1).unwrap();
        let flat: Vec<String> =
            positions.iter().flat_map(|n| [format!("1/{n}"), n.to_string()]).collect();
        let merged = merged(project, &(0, flat, Vec::new(), next), look).unwrap();
        let positions = merged.list.iter().map(|candidate| candidate.position.0).collect();
        (positions, merged.next.map(|next| next.0))
    }

    #[test]
    fn what_several_sets_hold_comes_in_order_and_once() {
        assert_eq!(found(&[7, 9, 8, 9], 5, 10), (vec![9, 8, 7], Some(5)));
        assert_eq!(found(&[7, 9, 8, 9], 0, 3), (vec![9, 8, 7], None));
    }

    #[test]
    fn the_rest_begins_behind_the_last_that_was_asked_for() {
        assert_eq!(found(&[7, 9, 8], 0, 2), (vec![9, 8], Some(8)));
        assert_eq!(found(&[], 6, 2), (vec![], Some(6)));
    }
}
