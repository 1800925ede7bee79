//! The second walk: job records, each read and then held against all that must name it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    super::{
        connection::{unpack, within},
        errors::UNEXPECTED,
        keys::{Found, Keys, Part, member, parse},
        record::{self, CORE, small_field},
        scripts,
    },
    Check, PART, Row,
};
use spiderq_core::{
    error::Result,
    model::{FieldSelection, JobKey, ProjectId},
    store::CheckProgress,
};

/// How late the index of leases may name a job: longer than any that was postponed.
const POSTPONED: u64 = 3_600_000;
/// Bytes of metadata that one script may read before it leaves the rest to the next.
const READ: usize = 1 << 20;

#[derive(Serialize)]
struct JobsArg<'a> {
    repair: bool,
    members: &'a [String],
    latest: u64,
    most: usize,
}

#[derive(Default, Serialize)]
struct AsideArg<'a> {
    repair: bool,
    fields: &'a [String],
    broken: Vec<(String, Vec<Option<String>>, String)>,
    larges: &'a [String],
}

#[derive(Default)]
struct Seen {
    jobs: Vec<JobKey>,
    larges: Vec<String>,
}

impl Check<'_> {
    /// All jobs of the scope.
    pub(super) async fn jobs(&mut self) -> Result<()> {
        let mut walk = self.walk();
        while let Some(keys) = walk.next().await? {
            let mut seen: BTreeMap<ProjectId, Seen> = BTreeMap::new();
            for (key, kind) in keys {
                let Found::Of(project, part) = parse(&key) else {
                    continue;
                };
                if !self.scope.includes(project) || kind != "hash" {
                    continue;
                }
                let seen = seen.entry(project).or_default();
                if let Part::Job(key) = part {
                    seen.jobs.push(key);
                } else if let Part::Large(key) = part {
                    seen.larges.push(member(key));
                }
            }
            for (project, seen) in seen {
                self.seen(project, &seen).await?;
            }
            (self.tell)(CheckProgress::Jobs(self.checked.jobs));
        }
        Ok(())
    }

    async fn seen(&mut self, project: ProjectId, seen: &Seen) -> Result<()> {
        for jobs in seen.jobs.chunks(PART) {
            self.records(project, jobs).await?;
            self.checked.jobs += jobs.len() as u64;
        }
        for larges in seen.larges.chunks(PART) {
            let argument = AsideArg { repair: self.repair, larges, ..AsideArg::default() };
            self.judge(project, &scripts::CHECK_ASIDE, &argument).await?;
        }
        Ok(())
    }

    async fn records(&mut self, project: ProjectId, jobs: &[JobKey]) -> Result<()> {
        let row = FieldSelection::ROW.iter().copied().map(small_field);
        let fields: Vec<String> = CORE.map(str::to_owned).into_iter().chain(row).collect();
        let now = within(self.store.connection.clock()).await?;
        let mut pipe = redis::pipe();
        for key in jobs {
            pipe.hmget(Keys::job(*key), &fields);
        }
        let records: Vec<Vec<Option<String>>> = within(self.store.connection.pipe(&pipe)).await?;
        let (mut members, mut broken) = (Vec::new(), Vec::new());
        for (key, values) in jobs.iter().zip(&records) {
            match unreadable(*key, &fields, values) {
                Some(why) => broken.push((member(*key), values.clone(), why)),
                None => members.push(member(*key)),
            }
        }
        if !broken.is_empty() {
            let argument = AsideArg { repair: self.repair, fields: &fields, broken, larges: &[] };
            self.judge(project, &scripts::CHECK_ASIDE, &argument).await?;
        }
        let mut rest = &members[..];
        while !rest.is_empty() {
            let argument = JobsArg {
                repair: self.repair,
                members: rest,
                latest: now.0 + POSTPONED,
                most: READ,
            };
            let packed: Vec<u8> = self.run(project, &scripts::CHECK_JOBS, &argument).await?;
            let (judged, rows): (usize, Vec<Row>) = unpack(&packed)?;
            self.tell_rows(project, rows);
            rest = rest.get(judged.max(1)..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Why a record cannot be read. One of nothing at all has just gone, or is found to be so by
/// the script.
fn unreadable(key: JobKey, fields: &[String], values: &[Option<String>]) -> Option<String> {
    let pairs = fields.iter().zip(values);
    let flat: record::Flat = pairs
        .filter_map(|(field, value)| Some([field.clone(), value.clone()?]))
        .flatten()
        .collect();
    match record::decode(key, flat, record::Flat::new(), &FieldSelection::Row) {
        Ok(Some(_)) => None,
        Ok(None) => Some("no field s".to_owned()),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| error.to_string());
            let short = cause.strip_prefix(UNEXPECTED).unwrap_or(&cause);
            Some(short.to_owned())
        }
    }
}
