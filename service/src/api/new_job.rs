//! A job to add, as PushJobs and ScheduleJob take it.

use spiderq_proto::v1;

use super::{decode, fields::Fields};
use crate::domain::{NamedFields, PushJob, ScheduleJob};
use spiderq_core::{
    error::{Error, Result},
    model::{ProjectId, State},
};

/// Errors name fields within the message.
pub(super) fn push(job: v1::NewJob) -> Result<PushJob> {
    let mut fields = Fields::default();
    let spider = fields.within("spider", decode::spider_ref(job.spider, "spider_id"));
    let state = fields.field("state", decode::state(job.state));
    let priority = fields.field("priority", decode::priority(job.priority));
    let units = fields.field("units", decode::units(job.units));
    let tags = fields.within("tags", decode::job_tags(&job.tags, "tags"));
    let unique = fields.field("unique_key", decode::unique_key(job.unique_key));
    let settings = decode::object("job_settings", &job.job_settings_json);
    let job_settings = fields.field("job_settings_json", settings);
    let metadata = fields.part(decode::metadata(job.metadata_json));
    let (
        Some(spider),
        Some(state),
        Some(priority),
        Some(units),
        Some(tags),
        Some(unique),
        Some(job_settings),
        Some(metadata),
    ) = (spider, state, priority, units, tags, unique, job_settings, metadata)
    else {
        return Err(fields.into_error());
    };
    let named = NamedFields {
        spider_args: job.spider_args,
        cmd_args: job.cmd_args,
        job_settings,
        environment: job.environment,
        version: decode::some(job.version),
    };
    let state = state.unwrap_or(State::Pending);
    Ok(PushJob { spider, state, priority, units, tags, unique, named, metadata })
}

/// The same for a job that gets a unique key of its own.
pub(super) fn scheduled(job: v1::NewJob) -> Result<PushJob> {
    let mut fields = Fields::default();
    let unique = match job.unique_key.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid("unique_key", "must be empty: spider and arguments make it")),
    };
    fields.part(unique);
    match fields.part(push(v1::NewJob { unique_key: String::new(), ..job })) {
        Some(job) => fields.check(job),
        None => Err(fields.into_error()),
    }
}

/// Such a job of a project.
pub(super) fn schedule(project: ProjectId, job: PushJob) -> ScheduleJob {
    let PushJob { spider, state, priority, units, tags, named, metadata, .. } = job;
    let NamedFields { spider_args, cmd_args, job_settings, environment, version } = named;
    ScheduleJob {
        project,
        spider,
        state,
        tags,
        priority,
        units,
        spider_args,
        cmd_args,
        job_settings,
        environment,
        version,
        metadata,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_wrong_field_of_a_job_is_named() {
        let job = v1::NewJob {
            spider: Some(v1::SpiderRef { spider: Some(v1::spider_ref::Spider::Name(" ".into())) }),
            priority: Some(5),
            units: Some(0),
            tags: vec!["a".to_owned(), "\n".to_owned()],
            unique_key: "u".repeat(1_025),
            job_settings_json: "[]".to_owned(),
            metadata_json: BTreeMap::from([("a".to_owned(), "x".to_owned())]),
            ..v1::NewJob::default()
        };
        let error = push(job).unwrap_err();
        assert!(error.to_string().starts_with("spider: must be a spider's name"), "{error}");
        let violations = error.violations();
        let found: Vec<_> =
            violations.iter().map(|one| (one.path.as_str(), one.name.as_str())).collect();
        let expected = [
            ("spider.name", "spider"),
            ("priority", "priority"),
            ("units", "units"),
            ("tags[1]", "tags"),
            ("unique_key", "unique"),
            ("job_settings_json", "job_settings"),
            ("metadata_json[\"a\"]", "a"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_scheduled_job_has_a_spider_and_no_unique_key() {
        let refused = |job| scheduled(job).unwrap_err().to_string();
        assert_eq!(refused(v1::NewJob::default()), "spider: is required");
        let unique = v1::NewJob { unique_key: "u".to_owned(), ..v1::NewJob::default() };
        assert_eq!(
            refused(unique.clone()),
            "unique_key: must be empty: spider and arguments make it"
        );
        let violations = scheduled(unique).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["unique_key", "spider"]);
    }
}
