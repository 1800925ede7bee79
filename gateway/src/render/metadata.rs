//! A job's whole metadata (contract 5 and 6): names in alphabetical order, values exactly
//! as they were written.

use std::{borrow::Cow, collections::BTreeMap};

use spiderq_proto::v1::{Job, StartJobResponse};

use super::{
    Object,
    fields::{TYPED, field},
    nullable, string,
    time::ms,
};

/// One object of all fields.
pub(crate) fn all(job: &Job) -> String {
    object(&fields(job))
}

/// All fields of a job that was just started, with its key and token.
pub(crate) fn started(job: &Job, start: &StartJobResponse) -> String {
    object(&started_fields(job, start))
}

/// The same of one that was started with a lease: also its fence, and when the lease ends (ms).
pub(crate) fn leased(job: &Job, start: &StartJobResponse) -> String {
    let mut fields = started_fields(job, start);
    fields.insert("fence", Cow::Owned(string(&start.fence)));
    let lease_expires = ms(start.lease_expire_time.as_ref());
    fields.insert("lease_expires", Cow::Owned(lease_expires.to_string()));
    object(&fields)
}

fn started_fields<'a>(job: &'a Job, start: &StartJobResponse) -> BTreeMap<&'a str, Cow<'a, str>> {
    let mut fields = fields(job);
    fields.insert("key", Cow::Owned(string(&job.key)));
    fields.insert("auth", Cow::Owned(string(&start.token)));
    fields
}

/// The value of one field, or `null`.
pub(crate) fn one(job: &Job, name: &str) -> String {
    nullable(field(job, name).map(Cow::into_owned))
}

fn fields(job: &Job) -> BTreeMap<&str, Cow<'_, str>> {
    let typed = TYPED.iter().map(|(name, _)| *name);
    let names = job.metadata_json.keys().map(String::as_str).chain(typed);
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
    use spiderq_proto::{time::timestamp, v1::JobState};

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
            spider_name: "spider \"x\"".to_owned(),
            state: JobState::Finished.into(),
            priority: 2,
            units: 1,
            tags: vec!["b".to_owned(), "a".to_owned()],
            pending_time: Some(timestamp(1000)),
            finished_time: Some(timestamp(3000)),
            scheduled_by: "jane".to_owned(),
            metadata_json: metadata.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
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
    fn a_started_job_also_has_key_and_auth_and_with_a_lease_its_fence() {
        let job = Job {
            key: "1/2/3".to_owned(),
            project: 1,
            spider_name: "s".to_owned(),
            state: JobState::Running.into(),
            ..Job::default()
        };
        let start = StartJobResponse {
            token: "T".to_owned(),
            fence: "F".to_owned(),
            lease_expire_time: Some(timestamp(9)),
            ..StartJobResponse::default()
        };
        assert_eq!(
            started(&job, &start),
            concat!(
                r#"{"auth":"T","key":"1/2/3","priority":0,"project":1,"spider":"s","#,
                r#""state":"running","tags":[],"units":0}"#
            )
        );
        assert_eq!(
            leased(&job, &start),
            concat!(
                r#"{"auth":"T","fence":"F","key":"1/2/3","lease_expires":9,"priority":0,"#,
                r#""project":1,"spider":"s","state":"running","tags":[],"units":0}"#
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
