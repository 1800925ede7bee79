//! The second walk: job records, each read and then held against all that must name it.

use std::collections::BTreeMap;

use serde::Serialize;

use spiderq_compression::{Unreadable, text};
use spiderq_core::{
    error::Result,
    model::{FieldSelection, JobKey, ProjectId},
    store::CheckProgress,
};

use super::{Check, FindingRow, MAX_CHECKED};
use crate::{
    error::{UNEXPECTED, bad_reply},
    large::{Bytes, LargePart, LargeValues},
    link::within,
    names::{Found, Part, ProjectNames, member, parse},
    record::{POINTED_AT, Record, Values, utf8},
    rows::columns,
    scripts,
};

/// How much later than it is due a job may stand in the index, ms: longer than any postponement.
const MAX_POSTPONED_MS: u64 = 3_600_000;
/// Bytes of metadata, uncompressed, after which a script leaves the rest to the next.
const MAX_BYTES_READ: usize = 1 << 20;

#[derive(Serialize)]
struct JobsArg<'a> {
    repair: bool,
    members: &'a [String],
    latest: u64,
    max_bytes: usize,
    pointed_at: [&'static str; POINTED_AT.len()],
}

#[derive(Default, Serialize)]
struct AsideArg<'a> {
    repair: bool,
    fields: &'a [String],
    broken: Vec<(String, Vec<Option<LargePart<'a>>>, String)>,
    damaged: Vec<(String, LargePart<'a>, LargePart<'a>, String)>,
    larges: &'a [String],
}

/// A value of larger metadata, compressed or text of more than ASCII: member, field, value.
type Unread = (String, Bytes, Bytes);

#[derive(Default)]
struct Seen {
    jobs: Vec<JobKey>,
    larges: Vec<String>,
}

impl Check<'_> {
    /// All jobs of the scope.
    pub(crate) async fn jobs(&mut self) -> Result<()> {
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
            (self.report)(CheckProgress::Jobs(self.summary.jobs));
        }
        Ok(())
    }

    async fn seen(&mut self, project: ProjectId, seen: &Seen) -> Result<()> {
        for jobs in seen.jobs.chunks(MAX_CHECKED) {
            self.records(project, jobs).await?;
            self.summary.jobs += jobs.len() as u64;
        }
        for larges in seen.larges.chunks(MAX_CHECKED) {
            let argument = AsideArg { repair: self.repair, larges, ..AsideArg::default() };
            self.judge(project, &scripts::FSCK_SET_ASIDE, &argument).await?;
        }
        Ok(())
    }

    async fn records(&mut self, project: ProjectId, jobs: &[JobKey]) -> Result<()> {
        let fields = columns(&FieldSelection::ROW);
        let now = within(self.store.connection.clock()).await?;
        let mut pipe = redis::pipe();
        for key in jobs {
            pipe.hmget(ProjectNames::job(*key), &fields);
        }
        let records: Vec<LargeValues> = within(self.store.connection.pipe(&pipe)).await?;
        let (mut members, mut broken) = (Vec::new(), Vec::new());
        for (key, values) in jobs.iter().zip(records) {
            match unreadable(*key, values.clone()) {
                Some(why) => {
                    let values = values.into_iter().map(|value| value.map(LargePart::Compressed));
                    broken.push((member(*key), values.collect(), why));
                }
                None => members.push(member(*key)),
            }
        }
        if !broken.is_empty() {
            let repair = self.repair;
            let argument = AsideArg { repair, fields: &fields, broken, ..AsideArg::default() };
            self.judge(project, &scripts::FSCK_SET_ASIDE, &argument).await?;
        }
        self.readable(project, &members, now.0 + MAX_POSTPONED_MS).await
    }

    async fn readable(
        &mut self,
        project: ProjectId,
        members: &[String],
        latest: u64,
    ) -> Result<()> {
        let mut rest = members;
        while !rest.is_empty() {
            let (repair, max_bytes) = (self.repair, MAX_BYTES_READ);
            let argument =
                JobsArg { repair, members: rest, latest, max_bytes, pointed_at: POINTED_AT };
            let (checked, rows, unread): (usize, Vec<FindingRow>, Vec<Unread>) =
                self.run(project, &scripts::FSCK_JOBS, &argument).await?;
            self.report_rows(project, rows);
            self.readable_values(project, unread).await?;
            let unchecked = rest.get(checked..).filter(|_| checked > 0);
            rest = unchecked.ok_or_else(|| bad_reply("a check of no job, or of too many"))?;
        }
        Ok(())
    }

    /// What a newer version has written is no damage, and left as it is.
    async fn readable_values(&mut self, project: ProjectId, values: Vec<Unread>) -> Result<()> {
        let mut damaged = Vec::new();
        for (member, field, value) in values {
            let name = String::from_utf8_lossy(&field.0).escape_debug().to_string();
            match text(value.0.clone()) {
                Ok(_) => {}
                Err(why @ Unreadable::Damaged(_)) => {
                    let [field, value] = [field, value].map(|part| LargePart::Compressed(part.0));
                    damaged.push((member, field, value, format!("metadata {name}: {why}")));
                }
                Err(why @ Unreadable::NewerVersion(_)) => {
                    let what = format!("has metadata {name} that cannot be read: {why}");
                    self.report_rows(project, vec![(member, what, false)]);
                }
            }
        }
        if damaged.is_empty() {
            return Ok(());
        }
        let argument = AsideArg { repair: self.repair, damaged, ..AsideArg::default() };
        self.judge(project, &scripts::FSCK_SET_ASIDE, &argument).await
    }
}

/// Why a record cannot be read. One of nothing at all has just gone, or the script finds it to be
/// empty.
fn unreadable(key: JobKey, values: LargeValues) -> Option<String> {
    let texts: Result<Values> =
        values.into_iter().map(|value| value.map(utf8).transpose()).collect();
    let record = texts.and_then(|texts| Record::of_row(texts, FieldSelection::ROW.into_iter()));
    match record.and_then(|record| record.decode(key)) {
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
