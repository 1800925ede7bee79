//! What a project has once: names and numbers, sets, indexes, sums.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use serde::Serialize;

use super::{
    super::{
        connection::{unpack, within},
        keys::{Keys, RUNNING_UNITS},
        scripts,
    },
    Check, PART, Row,
    scan::Members,
};
use spiderq_core::{
    error::Result,
    model::{ProjectId, Tags},
    store::{CheckProgress, Subject},
};

/// Jobs that one script adds up.
const SUM_PART: usize = 500;
/// How often a sum is begun anew when the project does not stand still.
const SUM_TRIES: usize = 5;

#[derive(Default, Serialize)]
struct NamesArg<'a> {
    repair: bool,
    fields: Vec<&'a str>,
    homes: Vec<&'a str>,
    numbers: &'a [String],
    renumber: &'a [String],
}

#[derive(Serialize)]
struct SetArg<'a> {
    repair: bool,
    set: &'a str,
    members: &'a [String],
}

#[derive(Default, Serialize)]
struct IndexArg<'a> {
    repair: bool,
    due: &'a [String],
    unique: &'a [String],
}

#[derive(Serialize)]
struct LeastArg<'a> {
    repair: bool,
    counter: &'a str,
    least: &'a str,
    text: &'a str,
}

/// What is added up: a field of the jobs of a set, and the counter that says how much it is.
#[derive(Clone, Copy)]
struct Sum {
    set: &'static str,
    field: &'static str,
    counter: &'static str,
    text: &'static str,
}

const SUMS: [Sum; 3] = [
    Sum { set: "r", field: "u", counter: RUNNING_UNITS, text: "the units of the running jobs" },
    Sum { set: "f", field: "z", counter: "bf", text: "the bytes of the finished jobs" },
    Sum { set: "d", field: "z", counter: "bd", text: "the bytes of the deleted jobs" },
];

#[derive(Serialize)]
struct SumArg<'a> {
    repair: bool,
    set: &'a str,
    field: &'a str,
    counter: &'a str,
    text: &'a str,
    skip: usize,
    most: usize,
    sum: String,
    mark: String,
    sure: bool,
}

/// What one walk over a set comes to.
enum Walked {
    /// It agrees, or the difference was told.
    CheckProgress,
    /// It differs: this sum, with this mark.
    Differs(String, String),
    /// The set or the counter changed meanwhile.
    Changed,
}

impl Check<'_> {
    /// Names and numbers of spiders and tags.
    pub(super) async fn names(&mut self, project: ProjectId) -> Result<()> {
        let keys = Keys(project);
        let (mut homes, mut numbers) = (HashMap::new(), Vec::new());
        for (number, name) in self.all_of(keys.spiders()).await? {
            numbers.push(number.clone());
            homes.insert(name, number);
        }
        let (mut fields, mut renumber) = (Vec::new(), Vec::new());
        let mut tags = HashMap::new();
        for (field, value) in self.all_of(keys.counters()).await? {
            if let Some(name) = field.strip_prefix("t:") {
                match tags.entry(value) {
                    Entry::Vacant(free) => {
                        free.insert(());
                    }
                    Entry::Occupied(_) => renumber.push(name.to_owned()),
                }
            }
            if ["s:", "t:", "m:"].iter().any(|kind| field.starts_with(kind)) {
                fields.push(field);
            }
        }
        let home = |field: &String| {
            let number = field.strip_prefix("s:").and_then(|name| homes.get(name));
            number.map_or("", String::as_str)
        };
        for part in fields.chunks(PART) {
            let argument = NamesArg {
                repair: self.repair,
                fields: part.iter().map(String::as_str).collect(),
                homes: part.iter().map(home).collect(),
                ..NamesArg::default()
            };
            self.judge(project, &scripts::CHECK_NAMES, &argument).await?;
        }
        for (numbers, renumber) in parts(&numbers, &renumber) {
            let argument =
                NamesArg { repair: self.repair, numbers, renumber, ..NamesArg::default() };
            self.judge(project, &scripts::CHECK_NAMES, &argument).await?;
        }
        Ok(())
    }

    /// What jobs of spiders get: tags, one a line.
    pub(super) async fn spider_tags(&mut self, project: ProjectId) -> Result<()> {
        let key = Keys(project).spider_tags();
        for (number, tags) in self.all_of(key.clone()).await? {
            if Tags::parse(tags.lines()).is_ok() {
                continue;
            }
            if self.repair {
                let mut pipe = redis::pipe();
                pipe.hdel(&key, &number).ignore();
                within(self.store.connection.pipe::<()>(&pipe)).await?;
            }
            let what = format!("spider {number} has tags that are none: {tags:?}");
            self.found(Subject::Project(project), what, self.repair);
        }
        Ok(())
    }

    /// A hash as it is while it is walked over; names are few.
    async fn all_of(&mut self, key: String) -> Result<BTreeMap<String, String>> {
        let store = self.store;
        let mut walk = Members::of_hash(&store.connection, key);
        let mut all = BTreeMap::new();
        while let Some(pairs) = walk.next().await? {
            all.extend(pairs);
        }
        Ok(all)
    }

    /// Members of sets that do not belong there.
    pub(super) async fn sets(&mut self, project: ProjectId, sets: &[String]) -> Result<()> {
        for set in sets {
            let store = self.store;
            let mut walk = Members::of_set(&store.connection, Keys(project).set(set));
            while let Some(pairs) = walk.next().await? {
                for members in members(pairs).chunks(PART) {
                    let argument = SetArg { repair: self.repair, set, members };
                    self.judge(project, &scripts::CHECK_SET, &argument).await?;
                }
            }
        }
        Ok(())
    }

    /// What is due, and unique keys, of no job.
    pub(super) async fn index(&mut self, project: ProjectId) -> Result<()> {
        let keys = Keys(project);
        let store = self.store;
        let mut walk = Members::of_set(&store.connection, keys.due());
        while let Some(pairs) = walk.next().await? {
            for (due, unique) in parts(&members(pairs), &[]) {
                self.judge_index(project, due, unique).await?;
            }
        }
        let store = self.store;
        let mut walk = Members::of_hash(&store.connection, keys.unique());
        while let Some(pairs) = walk.next().await? {
            for (due, unique) in parts(&[], &members(pairs)) {
                self.judge_index(project, due, unique).await?;
            }
        }
        Ok(())
    }

    /// The number of the last event: the next one must be above all that are kept.
    pub(super) async fn events(&mut self, project: ProjectId) -> Result<()> {
        let mut pipe = redis::pipe();
        let key = Keys(project).events();
        pipe.cmd("XREVRANGE").arg(key).arg("+").arg("-").arg("COUNT").arg(1);
        let (last,): (Vec<(String, redis::Value)>,) =
            within(self.store.connection.pipe(&pipe)).await?;
        let Some((number, _)) = last.first().and_then(|(id, _)| id.split_once('-')) else {
            return Ok(());
        };
        let text = "the number of the last event is below that of one kept";
        self.least(project, "events", number, text).await
    }

    async fn judge_index(
        &mut self,
        project: ProjectId,
        due: &[String],
        unique: &[String],
    ) -> Result<()> {
        let argument = IndexArg { repair: self.repair, due, unique };
        self.judge(project, &scripts::CHECK_INDEX, &argument).await
    }

    /// Raises a counter that is below `least`.
    async fn least(
        &mut self,
        project: ProjectId,
        counter: &str,
        least: &str,
        text: &str,
    ) -> Result<()> {
        let argument = LeastArg { repair: self.repair, counter, least, text };
        self.judge(project, &scripts::CHECK_LEAST, &argument).await
    }

    /// Counters that are sums. A set that is too long for one script is walked in parts, and
    /// counts only if nothing moved meanwhile; a difference, only if it is the same twice.
    pub(super) async fn sums(&mut self, project: ProjectId) -> Result<()> {
        for sum in SUMS {
            let mut before = None;
            let mut told = false;
            for _ in 0..SUM_TRIES {
                match self.walk_sum(project, sum, before.clone()).await? {
                    Walked::CheckProgress => {
                        told = true;
                        break;
                    }
                    Walked::Differs(total, mark) => before = Some((total, mark)),
                    Walked::Changed => before = None,
                }
            }
            if !told {
                let what = format!("{} could not be added up: they do not stand still", sum.text);
                (self.tell)(CheckProgress::Unchecked(Subject::Project(project), what));
            }
        }
        Ok(())
    }

    async fn walk_sum(
        &mut self,
        project: ProjectId,
        sum: Sum,
        before: Option<(String, String)>,
    ) -> Result<Walked> {
        let (mut skip, mut total, mut mark) = (0, "0".to_owned(), String::new());
        loop {
            let again = before.as_ref().is_some_and(|(_, before)| *before == mark);
            let argument = SumArg {
                repair: self.repair,
                set: sum.set,
                field: sum.field,
                counter: sum.counter,
                text: sum.text,
                skip,
                most: SUM_PART,
                sum: total,
                mark: mark.clone(),
                // One script is one moment.
                sure: skip == 0 || again,
            };
            let packed: Vec<u8> = self.run(project, &scripts::CHECK_SUM, &argument).await?;
            let (now, part, done, counted, rows): (String, String, bool, String, Vec<Row>) =
                unpack(&packed)?;
            if !mark.is_empty() && now != mark {
                return Ok(Walked::Changed);
            }
            let agrees = counted == part || !rows.is_empty();
            self.tell_rows(project, rows);
            match (done, agrees) {
                (true, true) => return Ok(Walked::CheckProgress),
                (true, false) => return Ok(Walked::Differs(part, now)),
                (false, _) => {}
            }
            (mark, total, skip) = (now, part, skip + SUM_PART);
        }
    }
}

fn members(pairs: Vec<(String, String)>) -> Vec<String> {
    pairs.into_iter().map(|(member, _)| member).collect()
}

/// Both lists in parts, one after the other.
fn parts<'a>(
    ones: &'a [String],
    others: &'a [String],
) -> impl Iterator<Item = (&'a [String], &'a [String])> {
    let ones = ones.chunks(PART).map(|part| (part, &[][..]));
    ones.chain(others.chunks(PART).map(|part| (&[][..], part)))
}
