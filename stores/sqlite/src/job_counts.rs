//! How many jobs are in each state: of a project, of each of its spiders, with each of its tags.
//! Every step that writes jobs keeps these counts, so that nobody need count the jobs.

use std::collections::BTreeMap;

use rusqlite::{Connection, named_params, params};
use spiderq_core::model::{ProjectId, State, StateSet};

use crate::{
    error::Result,
    job_row::{first, int, state_index},
};

/// The columns `spider` and `tag` of a count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    /// 0 for all spiders.
    spider: i64,
    /// Empty for all jobs, with or without tags.
    tag: String,
}

impl Counted {
    /// All jobs.
    pub(crate) const fn all() -> Self {
        Self::of_spider(0)
    }

    pub(crate) const fn of_spider(spider: i64) -> Self {
        Self { spider, tag: String::new() }
    }

    pub(crate) const fn with_tag(tag: String) -> Self {
        Self { spider: 0, tag }
    }
}

/// What the jobs that a step writes change, to be saved at its end.
#[derive(Debug, Default)]
pub(crate) struct CountChanges(BTreeMap<(Counted, i64), i64>);

impl CountChanges {
    /// Counts a job in, with 1, or out, with -1.
    pub(crate) fn add<'a>(
        &mut self,
        state: State,
        spider: i64,
        tags: impl Iterator<Item = &'a str>,
        sign: i64,
    ) {
        let tags = tags.map(|tag| Counted::with_tag(tag.to_owned()));
        for counted in [Counted::all(), Counted::of_spider(spider)].into_iter().chain(tags) {
            *self.0.entry((counted, state_index(state))).or_default() += sign;
        }
    }

    /// Writes them to the counts of a project.
    pub(crate) fn save(&self, connection: &Connection, project: ProjectId) -> Result<()> {
        for ((Counted { spider, tag }, state), by) in self.0.iter().filter(|(_, by)| **by != 0) {
            let key = named_params! {
                ":project": int(project.get()),
                ":spider": spider,
                ":tag": tag,
                ":state": state,
                ":by": by,
            };
            let mut statement = connection.prepare_cached(include_str!("sql/add_count.sql"))?;
            let jobs: i64 = statement.query_row(key, |row| row.get(0))?;
            if jobs == 0 {
                let sql = "DELETE FROM job_counts WHERE project = ?1 AND spider = ?2 \
                           AND tag = ?3 AND state = ?4";
                let key = params![int(project.get()), spider, tag, state];
                connection.prepare_cached(sql)?.execute(key)?;
            }
        }
        Ok(())
    }
}

/// How many there are in any of the states.
pub(crate) fn kept(
    connection: &Connection,
    project: ProjectId,
    counted: &Counted,
    states: StateSet,
) -> Result<u64> {
    let sql = "SELECT jobs FROM job_counts WHERE project = ?1 AND spider = ?2 AND tag = ?3 \
               AND state = ?4";
    let mut sum = 0;
    for state in states.iter() {
        let key = params![int(project.get()), counted.spider, counted.tag, state_index(state)];
        sum += first(connection, sql, key, |row| row.get::<_, i64>(0))?.unwrap_or(0);
    }
    Ok(u64::try_from(sum).unwrap_or(0))
}
