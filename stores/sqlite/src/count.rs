//! Counts: each is a sum over states of ranges of one index. Jobs that lack tags are those
//! there are less those that have one, which costs far less than a look at each.

use crate::error::Result;
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{
    page::{Bounds, spiders},
    row::state_index,
};
use spiderq_core::model::{Filter, ProjectId, State, Tag};

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

/// How many match.
pub(super) fn count(connection: &Connection, project: ProjectId, filter: &Filter) -> Result<u64> {
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
        let Bounds { project, from, until } = self.bounds;
        let state = state_index(state);
        let Some(spiders) = &self.spiders else {
            let sql = include_str!("sql/count_by_state.sql");
            return self.number(sql, params![project, state, from, until]);
        };
        let sql = include_str!("sql/count_by_spider.sql");
        self.number(sql, params![project, state, from, until, spiders])
    }

    /// Those with one of the tags `has` and none of `lacks`.
    fn tagged(&self, state: State, has: &str, lacks: &str) -> Result<i64> {
        let bounds = &self.bounds;
        let sql = include_str!("sql/count_by_tag.sql");
        self.number(
            sql,
            params![
                bounds.project,
                state_index(state),
                bounds.from,
                bounds.until,
                self.spiders,
                has,
                lacks
            ],
        )
    }

    fn number(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<i64> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(parameters, |row| row.get(0))?)
    }
}

fn json(tags: &[Tag]) -> String {
    Value::from_iter(tags.iter().map(Tag::as_str)).to_string()
}
