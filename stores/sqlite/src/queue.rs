//! Which pending job is next for a claim. The first in the order of the queue nearly always
//! is; where many have to be passed over, the queue is looked at by its parts: jobs of one
//! spider with the same units, and the same tags where those matter, are all wanted or all
//! not, so that one look at the first of each is enough, however many there are.

use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::error::Result;
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::{
    limits::{Limits, is_full},
    project::find_spider,
    row::{decode_tags, first, int, spider_id},
};
use spiderq_core::{
    model::ClaimFilter,
    model::{ProjectId, Tag, Tags},
};

/// Most jobs looked at in the order of the queue.
const HEAD: i64 = 500;
/// Most jobs looked at one by one because they have a tag that is wanted.
const FEW: i64 = 1000;

/// Row of the job to take next.
pub(super) fn next(
    connection: &Connection,
    project: ProjectId,
    wanted: &ClaimFilter,
    limits: &Limits,
) -> Result<Option<i64>> {
    let search = Search::new(connection, project, wanted, limits)?;
    // Parts of a few spiders are soon looked at.
    let candidate = if search.spiders.is_some() && !search.by_tags() {
        search.parts()?
    } else {
        match search.head()? {
            Head::Found(candidate) => Some(candidate),
            Head::End => None,
            Head::TooDeep => match search.few()? {
                Some(best) => best,
                None => search.parts()?,
            },
        }
    };
    Ok(candidate.map(|candidate| candidate.id))
}

/// A pending job, as the indexes of the queue know it.
struct Candidate {
    id: i64,
    spider: i64,
    units: i64,
    priority: i64,
    front: i64,
    position: i64,
}

impl Candidate {
    /// The first six columns.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            spider: row.get(1)?,
            units: row.get(2)?,
            priority: row.get(3)?,
            front: row.get(4)?,
            position: row.get(5)?,
        })
    }

    /// Its place in the queue.
    const fn place(&self) -> (Reverse<i64>, Reverse<i64>, i64) {
        (Reverse(self.priority), Reverse(self.front), self.position)
    }

    fn first_of(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.place() < self.place() => other,
            _ => self,
        }
    }
}

/// What the head of the queue shows.
enum Head {
    /// The first one that is wanted.
    Found(Candidate),
    /// None in the whole queue is.
    End,
    /// It lies deeper, if anywhere.
    TooDeep,
}

struct Search<'a> {
    connection: &'a Connection,
    project: ProjectId,
    wanted: &'a ClaimFilter,
    /// Numbers of those wanted; `None`: all.
    spiders: Option<BTreeSet<i64>>,
    most_units: u64,
    /// What is known of spiders: whether they run as many jobs as they may.
    full: RefCell<BTreeMap<i64, bool>>,
}

impl<'a> Search<'a> {
    fn new(
        connection: &'a Connection,
        project: ProjectId,
        wanted: &'a ClaimFilter,
        limits: &Limits,
    ) -> Result<Self> {
        let mut spiders = BTreeSet::new();
        for name in &wanted.spiders {
            let spider = find_spider(connection, project, name)?;
            spiders.extend(spider.map(|spider| int(spider.get())));
        }
        let most = wanted.max_units.map(|units| u64::from(units.get()));
        let most_units = most.into_iter().chain(limits.units()).min();
        Ok(Self {
            connection,
            project,
            wanted,
            spiders: (!wanted.spiders.is_empty()).then_some(spiders),
            most_units: most_units.unwrap_or(u64::MAX),
            full: RefCell::default(),
        })
    }

    const fn by_tags(&self) -> bool {
        !self.wanted.has_tags.is_empty() || !self.wanted.lacks_tags.is_empty()
    }

    /// Whether its spider and units are right.
    fn takes(&self, candidate: &Candidate) -> Result<bool> {
        let spider = candidate.spider;
        let wanted = self.spiders.as_ref().is_none_or(|all| all.contains(&spider));
        if !wanted || candidate.units.cast_unsigned() > self.most_units {
            return Ok(false);
        }
        if let Some(full) = self.full.borrow().get(&spider) {
            return Ok(!full);
        }
        let full = is_full(self.connection, self.project, spider_id(spider)?)?;
        self.full.borrow_mut().insert(spider, full);
        Ok(!full)
    }

    /// Whether these tags, as stored, are right.
    fn takes_tags(&self, text: &str) -> Result<bool> {
        let tags = decode_tags(text)?;
        let any = |these: &[Tag], tags: &Tags| these.iter().any(|tag| tags.contains(tag));
        let has = self.wanted.has_tags.is_empty() || any(&self.wanted.has_tags, &tags);
        Ok(has && !any(&self.wanted.lacks_tags, &tags))
    }

    /// Looks from the head of the queue down.
    fn head(&self) -> Result<Head> {
        let sql = include_str!("sql/queue_head.sql");
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![int(self.project.get()), HEAD])?;
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            looked += 1;
            let candidate = Candidate::read(row)?;
            if self.takes(&candidate)? && (!self.by_tags() || self.has_tags(candidate.id)?) {
                return Ok(Head::Found(candidate));
            }
        }
        Ok(if looked < HEAD { Head::End } else { Head::TooDeep })
    }

    fn has_tags(&self, id: i64) -> Result<bool> {
        let sql = "SELECT tags FROM jobs WHERE id = ?1";
        let tags: Option<String> = first(self.connection, sql, [id], |row| row.get(0))?;
        tags.map_or(Ok(false), |tags| self.takes_tags(&tags))
    }

    /// Looks at each job with one of the tags that are wanted, if there are but a few.
    fn few(&self) -> Result<Option<Option<Candidate>>> {
        if self.wanted.has_tags.is_empty() {
            return Ok(None);
        }
        let tags = Value::from_iter(self.wanted.has_tags.iter().map(Tag::as_str)).to_string();
        let sql = include_str!("sql/pending_with_tag.sql");
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![int(self.project.get()), tags, FEW])?;
        let (mut best, mut looked) = (None, 0);
        while let Some(row) = rows.next()? {
            looked += 1;
            let candidate = Candidate::read(row)?;
            if self.takes(&candidate)?
                && self.takes_tags(row.get_ref(6)?.as_str().unwrap_or("[]"))?
            {
                best = Some(candidate.first_of(best));
            }
        }
        Ok((looked < FEW).then_some(best))
    }

    /// Looks at the first of each part.
    fn parts(&self) -> Result<Option<Candidate>> {
        let Some(spiders) = &self.spiders else {
            return self.parts_from(0, None);
        };
        let mut best = None;
        for spider in spiders {
            if let Some(candidate) = self.parts_from(*spider, Some(*spider))? {
                best = Some(candidate.first_of(best));
            }
        }
        Ok(best)
    }

    /// Those of a spider and of all after it, or of one alone.
    fn parts_from(&self, spider: i64, alone: Option<i64>) -> Result<Option<Candidate>> {
        let mut from = (spider, 0, String::new());
        let mut best = None;
        while let Some((part, mut tags)) = self.part_at(&from)? {
            if alone.is_some_and(|spider| spider != part.spider) {
                break;
            }
            if !self.takes(&part)? {
                // No other part of its spider is wanted: units rise.
                from = (part.spider + 1, 0, String::new());
                continue;
            }
            let wanted = !self.by_tags() || self.takes_tags(&tags)?;
            // From the least that is greater on: SQLite would go through all of what is
            // equal to reach the next part.
            from = if self.by_tags() {
                tags.push('\0');
                (part.spider, part.units, tags)
            } else {
                (part.spider, part.units + 1, tags)
            };
            if wanted {
                best = Some(part.first_of(best));
            }
        }
        Ok(best)
    }

    fn part_at(
        &self,
        (spider, units, tags): &(i64, i64, String),
    ) -> Result<Option<(Candidate, String)>> {
        let project = int(self.project.get());
        if self.by_tags() {
            let sql = include_str!("sql/next_of_tags.sql");
            let from = params![project, spider, units, tags];
            return first(self.connection, sql, from, |row| {
                Ok((Candidate::read(row)?, row.get(6)?))
            });
        }
        let sql = include_str!("sql/next_of_spider.sql");
        let from = params![project, spider, units];
        first(self.connection, sql, from, |row| Ok((Candidate::read(row)?, String::new())))
    }
}
