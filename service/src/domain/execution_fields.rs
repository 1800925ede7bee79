//! Fields by which runners execute a job (`docs/access.md`, Fields of a job). Only those who may
//! schedule set them: whatever workers and jobs write, the next attempt runs what was scheduled.

use std::collections::BTreeMap;

use super::{
    Domain,
    change_outcome::no_job,
    reserved_fields::{ReservedFields, field_path},
};
use crate::auth::Caller;
use spiderq_core::{
    error::{Error, Result},
    limits::MAX_BATCH,
    model::{FieldName, FieldSelection, Job, JobKey, JsonText, Metadata, ProjectId, Role},
};

/// Who may set what a runner executes by.
const SCHEDULER: Role = Role::User;

/// What a runner executes by.
const SCHEDULED: [&str; 9] = [
    "api_url",
    "cmd_args",
    "environment",
    "job_cmd",
    "job_settings",
    "priority",
    "spider_args",
    "spider_type",
    "units",
];

/// Which code runs. It is scheduled as the fields above are; but where it is not, a runner reports
/// what it has. A report is kept under the second name, so that a requeue can drop it.
const REPORTED: [(&str, &str); 2] =
    [("deploy_id", "_reported_deploy_id"), ("version", "_reported_version")];

/// The fields that hold reports: those of an attempt that is lost must not outlive it.
pub(super) const REPORTS: [&str; 2] = [REPORTED[0].1, REPORTED[1].1];

/// A write of fields of one job.
pub(super) struct Write<'a> {
    pub(super) key: JobKey,
    /// Whether it shows the fence of the attempt: then a runner says it, whatever its role.
    pub(super) by_fence: bool,
    pub(super) fields: &'a mut ReservedFields,
    /// Those that the request has as fields of its own, beside its metadata.
    pub(super) own_fields: Vec<&'static str>,
}

impl Domain {
    /// Leaves of each write what the caller may set. What a client only sends back as it read it is
    /// taken out; an error, for each on its own, names what the caller would change and may not.
    /// Writes that the caller may not make at all pass: the change refuses them.
    pub(super) async fn check_executed(
        &self,
        caller: &Caller,
        project: ProjectId,
        writes: Vec<Write<'_>>,
    ) -> Result<Vec<Result<()>>> {
        let may_schedule = caller.may(SCHEDULER, project).is_ok();
        let mut checked = Vec::with_capacity(writes.len());
        let mut doubtful = Vec::new();
        for write in writes {
            if !may_schedule || write.by_fence {
                write.fields.report();
            }
            let is_doubtful = !may_schedule
                && !write.fields.executed().is_empty()
                && write.key.project == project
                && caller.may_read(write.key).is_ok();
            if is_doubtful {
                doubtful.push((checked.len(), write));
            }
            checked.push(Ok(()));
        }
        let keys: Vec<JobKey> = doubtful.iter().map(|(_, write)| write.key).collect();
        let jobs = self.executed_fields(&keys).await?;
        for (index, write) in doubtful {
            checked[index] = match jobs.get(&write.key) {
                Some(job) => write.fields.keep_as_scheduled(job, &write.own_fields),
                None => Err(no_job(write.key)),
            };
        }
        Ok(checked)
    }

    /// The same of one write.
    pub(super) async fn check_executed_of_one(
        &self,
        caller: &Caller,
        write: Write<'_>,
    ) -> Result<()> {
        let project = write.key.project;
        self.check_executed(caller, project, vec![write]).await?.into_iter().collect()
    }

    async fn executed_fields(&self, keys: &[JobKey]) -> Result<BTreeMap<JobKey, Job>> {
        let fields = FieldSelection::Named(SCHEDULED.map(FieldName::known).into());
        let mut jobs = BTreeMap::new();
        for chunk in keys.chunks(MAX_BATCH) {
            let found = self.store.get(chunk, &fields).await?.into_iter().flatten();
            jobs.extend(found.map(|job| (job.key, job)));
        }
        Ok(jobs)
    }
}

impl ReservedFields {
    /// Leaves what the caller may set of whichever job it gets.
    pub(super) fn check_start(&mut self, caller: &Caller, project: ProjectId) -> Result<()> {
        if caller.may(SCHEDULER, project).is_ok() {
            return Ok(());
        }
        self.report();
        refuse(&self.executed(), &[])
    }

    /// Says the rest in the name of a runner, which only reports which code it runs.
    fn report(&mut self) {
        for (name, kept_as) in REPORTED {
            if let Some(value) = self.rest.remove(name) {
                self.rest.set(kept_as, value);
            }
        }
    }

    /// The names of those by which a runner executes.
    fn executed(&self) -> Vec<&'static str> {
        let is_set = |name: &&str| match *name {
            "priority" => self.priority.is_some(),
            "units" => self.units.is_some(),
            name => self.rest.get(name).is_some(),
        };
        SCHEDULED.into_iter().filter(is_set).collect()
    }

    /// Takes out what the job has already; an error for the rest of what a runner executes by.
    fn keep_as_scheduled(&mut self, job: &Job, own_fields: &[&str]) -> Result<()> {
        self.priority = self.priority.filter(|priority| *priority != job.priority);
        self.units = self.units.filter(|units| *units != job.units);
        for name in self.executed() {
            let same = job.metadata.get(name).zip(self.rest.get(name));
            if same.is_some_and(|(scheduled, written)| is_same(scheduled, written)) {
                self.rest.remove(name);
            }
        }
        refuse(&self.executed(), own_fields)
    }
}

/// The fields to remove where the caller asks to remove `name`.
pub(super) fn removed(
    caller: &Caller,
    project: ProjectId,
    name: &FieldName,
) -> Result<Vec<FieldName>> {
    let may_schedule = caller.may(SCHEDULER, project).is_ok();
    if !may_schedule && SCHEDULED.contains(&name.as_str()) {
        return Err(Error::fields_forbidden([(name.as_str(), "field".to_owned())], SCHEDULER));
    }
    let report = report_of(name.as_str()).map(FieldName::known);
    let scheduled = (may_schedule || report.is_none()).then(|| name.clone());
    Ok(scheduled.into_iter().chain(report).collect())
}

/// Shows what a runner reported under the name that it has for clients, where none was scheduled.
pub(crate) fn show_reports(metadata: &mut Metadata) {
    for (name, kept_as) in REPORTED {
        if let Some(reported) = metadata.remove(kept_as)
            && metadata.get(name).is_none()
        {
            metadata.set(name, reported);
        }
    }
}

/// The field that must be read beside `name` to show it.
pub(crate) fn report_of(name: &str) -> Option<&'static str> {
    REPORTED.into_iter().find(|(reported, _)| *reported == name).map(|(_, kept_as)| kept_as)
}

fn refuse(names: &[&str], own_fields: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let path = |name: &str| match own_fields.contains(&name) {
        true => name.to_owned(),
        false => field_path(name),
    };
    Err(Error::fields_forbidden(names.iter().map(|name| (*name, path(name))), SCHEDULER))
}

/// Whether both are the same value: clients write what they read in their own way.
fn is_same(one: &JsonText, other: &JsonText) -> bool {
    let value = |json: &JsonText| serde_json::from_str::<serde_json::Value>(json.as_str()).ok();
    one == other || value(one).is_some_and(|one| value(other) == Some(one))
}

#[cfg(test)]
mod tests;
