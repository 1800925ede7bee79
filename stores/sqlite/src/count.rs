//! Counts: each is a sum over states of ranges of one index. Jobs that lack tags are all jobs
//! less those that have one of them, which costs far less than a look at each.

use rusqlite::{Connection, ToSql, named_params};
use serde_json::Value;
use spiderq_core::model::{Filter, ProjectId, State, Tag};

use crate::{
    error::Result,
    job_row::state_index,
    list::{Bounds, spiders},
};

/// A filter as the statements take it.
struct Counting<'a> {
    connection: &'a Connection,
    bounds: Bounds,
    /// JSON array of numbers; `None`: all spiders.
    spiders: Option<String>,
    /// JSON arrays.
    has: String,
    lacks: String,
}

/// How many jobs match.
pub(crate) fn count(connection: &Connection, project: ProjectId, filter: &Filter) -> Result<u64> {
    let numbers = spiders(connection, project, filter)?;
    let counting = Counting {
        connection,
        bounds: Bounds::of(project, filter),
        spiders: numbers.map(|numbers| Value::from_iter(numbers).to_string()),
        has: json(&filter.has_tags),
        lacks: json(&filter.lacks_tags),
    };
    let mut total = 0;
    for state in filter.states.iter() {
        total += if filter.has_tags.is_empty() {
            counting.all(state)? - counting.tagged(state, &counting.lacks, "[]")?
        } else {
            counting.tagged(state, &counting.has, &counting.lacks)?
        };
    }
    Ok(total.cast_unsigned())
}

impl Counting<'_> {
    fn all(&self, state: State) -> Result<i64> {
        match &self.spiders {
            None => self.number(include_str!("sql/count_by_state.sql"), state, &[]),
            Some(spiders) => {
                let more = named_params! { ":spiders": spiders };
                self.number(include_str!("sql/count_by_spider.sql"), state, more)
            }
        }
    }

    /// Jobs with one of the tags `has` and none of `lacks`.
    fn tagged(&self, state: State, has: &str, lacks: &str) -> Result<i64> {
        let more = named_params! { ":spiders": self.spiders, ":has": has, ":lacks": lacks };
        self.number(include_str!("sql/count_by_tag.sql"), state, more)
    }

    fn number(&self, sql: &str, state: State, more: &[(&str, &dyn ToSql)]) -> Result<i64> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let bounds = &self.bounds;
        let common = named_params! {
            ":project": bounds.project,
            ":state": state_index(state),
            ":from": bounds.from,
            ":until": bounds.until,
        };
        Ok(statement.query_row(&*[common, more].concat(), |row| row.get(0))?)
    }
}

fn json(tags: &[Tag]) -> String {
    Value::from_iter(tags.iter().map(Tag::as_str)).to_string()
}
