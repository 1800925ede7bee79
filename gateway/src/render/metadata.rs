//! A job's whole metadata (contract 5 and 6): names in alphabetical order, values exactly
//! as they were written.

use std::{borrow::Cow, collections::BTreeMap};

use spiderq_proto::v1::Job;

use super::{
    Object,
    fields::{TYPED, field},
    nullable, string,
};

/// One object of all fields.
pub(crate) fn all(job: &Job) -> String {
    object(&fields(job))
}

/// All fields of a job that was just started, with its key and token.
pub(crate) fn started(job: &Job, token: &str) -> String {
    let mut fields = fields(job);
    fields.insert("key", Cow::Owned(string(&job.key)));
    fields.insert("auth", Cow::Owned(string(token)));
    object(&fields)
}

/// The value of one field, or `null`.
pub(crate) fn one(job: &Job, name: &str) -> String {
    nullable(field(job, name).map(Cow::into_owned))
}

fn fields(job: &Job) -> BTreeMap<&str, Cow<'_, str>> {
    let typed = TYPED.iter().map(|(name, _)| *name);
    let names = job.metadata.keys().map(String::as_str).chain(typed);
    names.filter_map(|name| Some((name, field(job, name)?))).collect()
}

fn object(fields: &BTreeMap<&str, Cow<'_, str>>) -> String {
    let mut object = Object::new();
    for (name, json) in fields {
        object.raw(name, json);
    }
    object.finish()
}

#[cfg(test)]
mod tests {
    use spiderq_proto::v1::JobState;

    use super::*;

    fn job() -> Job {
        let metadata = [
            ("scrapystats", r#"{"finish_time": 1566311822568.0,"a":[ ]}"#),
            ("close_reason", r#""finished""#),
            ("big", "18446744073709551616"),
            ("é", r#""\u00e9\/""#),
            ("tags", "[\"not this one\"]"),
        ];
        Job {
            key: "1/2/3".to_owned(),
            project: 1,
            spider: "spider \"x\"".to_owned(),
            state: JobState::Finished.into(),
            priority: 2,
            units: 1,
            tags: vec!["b".to_owned(), "a".to_owned()],
            pending_time: 1000,
            finished_time: 3000,
            scheduled_by: "jane".to_owned(),
            metadata: metadata.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
            ..Job::default()
        }
    }

    #[test]
    fn values_come_back_byte_for_byte_by_name() {
        assert_eq!(
            all(&job()),
            concat!(
                r#"{"big":18446744073709551616,"close_reason":"finished","finished_time":3000,"#,
                r#""pending_time":1000,"priority":2,"project":1,"scheduled_by":"jane","#,
                r#""scrapystats":{"finish_time": 1566311822568.0,"a":[ ]},"#,
                r#""spider":"spider \"x\"","state":"finished","tags":["b","a"],"units":1,"#,
                r#""é":"\u00e9\/"}"#
            )
        );
    }

    #[test]
    fn a_started_job_also_has_key_and_auth() {
        let job = Job {
            key: "1/2/3".to_owned(),
            project: 1,
            spider: "s".to_owned(),
            state: JobState::Running.into(),
            ..Job::default()
        };
        assert_eq!(
            started(&job, "T"),
            concat!(
                r#"{"auth":"T","key":"1/2/3","priority":0,"project":1,"spider":"s","#,
                r#""state":"running","tags":[],"units":0}"#
            )
        );
    }

    #[test]
    fn a_field_is_its_value_or_null() {
        assert_eq!(one(&job(), "project"), "1");
        assert_eq!(one(&job(), "scrapystats"), r#"{"finish_time": 1566311822568.0,"a":[ ]}"#);
        assert_eq!(one(&job(), "running_time"), "null");
        assert_eq!(one(&job(), "nothing"), "null");
    }
}
