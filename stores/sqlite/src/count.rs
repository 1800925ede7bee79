//! How many jobs match a filter, and how many entries ranges of indexes have. Where no position
//! bounds them, counts are kept (`job_counts.rs`).

use std::collections::BTreeMap;

use rusqlite::Connection;
use spiderq_core::{
    model::ProjectId,
    query::{Count, Drive, Group, Sizes, Wanted},
};

use crate::{
    error::Result,
    job_counts::{Counted, kept},
    matches::{Matches, spider_numbers},
};

/// How to count what is wanted.
pub(crate) fn plan(connection: &Connection, project: ProjectId, wanted: Wanted) -> Result<Count> {
    let sizes = sizes(connection, project, &wanted, wanted.groups(), None)?;
    Ok(Count::new(wanted, &sizes))
}

/// The sizes of groups; up to `most` each, where they must be counted.
pub(crate) fn sizes(
    connection: &Connection,
    project: ProjectId,
    wanted: &Wanted,
    groups: Vec<Group>,
    most: Option<usize>,
) -> Result<Sizes> {
    let mut sizes = BTreeMap::new();
    for group in groups {
        let size = match &group {
            _ if wanted.is_bounded() => bounded(connection, project, wanted, &group, most)?,
            Group::States => kept(connection, project, &Counted::all(), wanted.states)?,
            Group::Spiders => {
                let mut sum = 0;
                for spider in spider_numbers(connection, project, wanted)? {
                    sum += kept(connection, project, &Counted::of_spider(spider), wanted.states)?;
                }
                sum
            }
            Group::Tag(tag) => {
                kept(connection, project, &Counted::with_tag(tag.clone()), wanted.states)?
            }
        };
        sizes.insert(group, size);
    }
    Ok(Sizes(sizes))
}

fn bounded(
    connection: &Connection,
    project: ProjectId,
    wanted: &Wanted,
    group: &Group,
    most: Option<usize>,
) -> Result<u64> {
    let drive = Drive::One(group.clone());
    Matches::new(connection, project, wanted, drive)?.entries(connection, most)
}
