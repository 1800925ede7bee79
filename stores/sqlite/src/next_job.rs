//! Which pending job a claim takes. The first in the order of the queue nearly always is the one.
//! Where many have to be passed over, the queue is looked at by its parts: jobs of one spider with
//! the same units, and the same tags where those matter, are all wanted or all not, so that one
//! look at the first of each part is enough, however many jobs there are.

use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use rusqlite::{Connection, Row, named_params};
use serde_json::Value;
use spiderq_core::{
    effect::ProjectView as _,
    model::{ClaimFilter, ProjectId, Tag, Tags},
};

use crate::{
    error::{Result, corrupt},
    job_row::{decode_tags, first, int, spider_id},
    project_step::{ProjectStep, is_full},
    projects::find_spider,
};

/// Jobs looked at in the order of the queue, at most, before its parts are.
const MAX_HEAD: i64 = 500;
/// Jobs with a tag that is wanted which are looked at one by one, at most.
const MAX_TAGGED: i64 = 1000;

/// Row and position of the job to take next, which is at none of the positions `without`.
pub(crate) fn find(
    project: &mut ProjectStep<'_>,
    wanted: &ClaimFilter,
    without: &BTreeSet<i64>,
) -> Result<Option<(i64, i64)>> {
    let max_units = project.limits()?.units;
    let search = Search::new(project.connection, project.id, wanted, without, max_units)?;
    // The parts of a few spiders are few.
    let candidate = if search.spiders.is_some() && !search.by_tags() {
        search.parts()?
    } else {
        match search.head()? {
            Head::Found(candidate) => Some(candidate),
            Head::End => None,
            Head::TooDeep => match search.tagged()? {
                Some(best) => best,
                None => search.parts()?,
            },
        }
    };
    Ok(candidate.map(|candidate| (candidate.id, candidate.position)))
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
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            spider: row.get("spider")?,
            units: row.get("units")?,
            priority: row.get("priority")?,
            front: row.get("front")?,
            position: row.get("position")?,
        })
    }

    /// What the queue is ordered by.
    const fn rank(&self) -> (Reverse<i64>, Reverse<i64>, i64) {
        (Reverse(self.priority), Reverse(self.front), self.position)
    }

    fn first_of(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.rank() < self.rank() => other,
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
    /// Positions of jobs that are passed over.
    without: &'a BTreeSet<i64>,
    /// Numbers of those wanted; `None`: all.
    spiders: Option<BTreeSet<i64>>,
    max_units: u64,
    /// Whether spiders run as many jobs as they may, as far as was asked.
    full: RefCell<BTreeMap<i64, bool>>,
}

impl<'a> Search<'a> {
    fn new(
        connection: &'a Connection,
        project: ProjectId,
        wanted: &'a ClaimFilter,
        without: &'a BTreeSet<i64>,
        project_units: Option<u64>,
    ) -> Result<Self> {
        let mut spiders = BTreeSet::new();
        for name in &wanted.spiders {
            let spider = find_spider(connection, project, name.as_str())?;
            spiders.extend(spider.map(|spider| int(spider.get())));
        }
        let max_units = wanted.max_units.map(|units| u64::from(units.get()));
        let max_units = max_units.into_iter().chain(project_units).min();
        Ok(Self {
            connection,
            project,
            wanted,
            without,
            spiders: (!wanted.spiders.is_empty()).then_some(spiders),
            max_units: max_units.unwrap_or(u64::MAX),
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
        if !wanted || candidate.units.cast_unsigned() > self.max_units {
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
        let key = named_params! { ":project": int(self.project.get()), ":limit": MAX_HEAD };
        let mut rows = statement.query(key)?;
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            looked += 1;
            let candidate = Candidate::read(row)?;
            if self.without.contains(&candidate.position) || !self.takes(&candidate)? {
                continue;
            }
            if !self.by_tags() || self.has_tags(candidate.id)? {
                return Ok(Head::Found(candidate));
            }
        }
        Ok(if looked < MAX_HEAD { Head::End } else { Head::TooDeep })
    }

    fn has_tags(&self, id: i64) -> Result<bool> {
        let sql = "SELECT tags FROM jobs WHERE id = ?1";
        let tags: Option<String> = first(self.connection, sql, [id], |row| row.get(0))?;
        self.takes_tags(&tags.ok_or_else(|| corrupt("index"))?)
    }

    /// Looks at each job with one of the tags that are wanted, if there are but a few.
    fn tagged(&self) -> Result<Option<Option<Candidate>>> {
        if self.wanted.has_tags.is_empty() {
            return Ok(None);
        }
        let tags = Value::from_iter(self.wanted.has_tags.iter().map(Tag::as_str)).to_string();
        let sql = include_str!("sql/pending_with_tag.sql");
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(named_params! {
            ":project": int(self.project.get()),
            ":tags": tags,
            ":limit": MAX_TAGGED,
        })?;
        let (mut best, mut looked) = (None, 0);
        while let Some(row) = rows.next()? {
            looked += 1;
            let candidate = Candidate::read(row)?;
            let tags = row.get_ref("tags")?.as_str().map_err(|_| corrupt("tags"))?;
            let is_passed = self.without.contains(&candidate.position);
            if !is_passed && self.takes(&candidate)? && self.takes_tags(tags)? {
                best = Some(candidate.first_of(best));
            }
        }
        Ok((looked < MAX_TAGGED).then_some(best))
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
        let without = Value::from_iter(self.without.iter().copied()).to_string();
        if self.by_tags() {
            let sql = include_str!("sql/next_of_tags.sql");
            let from = named_params! {
                ":project": project, ":spider": spider, ":units": units, ":tags": tags,
                ":without": without,
            };
            let read = |row: &Row<'_>| Ok((Candidate::read(row)?, row.get("tags")?));
            return first(self.connection, sql, from, read);
        }
        let sql = include_str!("sql/next_of_spider.sql");
        let from = named_params! {
            ":project": project, ":spider": spider, ":units": units, ":without": without,
        };
        first(self.connection, sql, from, |row| Ok((Candidate::read(row)?, String::new())))
    }
}
