//! A job as a row of `jobs/list` (contract 3).

use std::borrow::Cow;

use spiderq_proto::v1::{Job, JobCounters, JobState};

use super::{
    Object,
    fields::{field, spider_type_name, state_name, tags},
    string,
    time::{iso_seconds, ms},
};

/// Fields of metadata that a row shows.
pub(crate) const METADATA_FIELDS: [&str; 4] =
    ["close_reason", "spider_args", "spider_type", "version"];

/// `now` is the clock of the service, milliseconds since the Unix epoch.
pub(crate) fn row(job: &Job, now: i64) -> String {
    let mut row = Object::new();
    row.text("id", &job.key)
        .text("spider", &job.spider_name)
        .text("state", state_name(job.state()))
        .raw("spider_type", &spider_type(job))
        .number("priority", job.priority)
        .raw("tags", &tags(job))
        .raw("version", &field(job, "version").unwrap_or("null".into()));
    // Anyone who pushes jobs may write any JSON there, which is passed on as it is.
    if let Some(spider_args) = field(job, "spider_args") {
        row.raw("spider_args", &spider_args);
    }
    if job.state() == JobState::Finished {
        // A worker need not give a reason, but the row always has the field.
        let reason = field(job, "close_reason").unwrap_or("\"no_reason\"".into());
        row.raw("close_reason", &reason);
    }
    if job.running_time.is_some() {
        row.text("started_time", &iso_seconds(ms(job.running_time.as_ref())));
    }
    let updated_time = ms(job.updated_time.as_ref());
    row.text("updated_time", &iso_seconds(updated_time))
        // Another server, whose clock is ahead, may have written the job.
        .number("elapsed", (now - updated_time).max(0));
    add_counters(&mut row, job.counters.unwrap_or_default());
    row.finish()
}

fn add_counters(row: &mut Object, counters: JobCounters) {
    row.number("items_scraped", counters.items())
        .number("responses_received", counters.pages())
        .number("errors_count", counters.errors())
        .number("logs", counters.logs());
}

/// A pushed job may have any JSON as its `spider_type`, which is written unchanged.
fn spider_type(job: &Job) -> Cow<'_, str> {
    field(job, "spider_type")
        .unwrap_or_else(|| Cow::Owned(string(spider_type_name(job.spider_type()))))
}

#[cfg(test)]
mod tests {
    use spiderq_proto::{time::timestamp, v1::SpiderType};

    use super::*;

    #[test]
    fn a_finished_job_has_every_field() {
        let job = Job {
            key: "123/45/14544".to_owned(),
            spider_name: "somespider".to_owned(),
            state: JobState::Finished.into(),
            priority: 2,
            tags: vec!["consumed".to_owned()],
            running_time: Some(timestamp(1_447_082_425_100)),
            updated_time: Some(timestamp(1_447_082_466_200)),
            counters: Some(JobCounters {
                items: Some(2),
                pages: Some(1),
                logs: Some(29),
                errors: None,
            }),
            metadata_json: [
                ("version", "\"1447064100\""),
                ("close_reason", "\"finished\""),
                ("spider_type", "\"manual\""),
                ("spider_args", r#"{"a": "1"}"#),
            ]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into(),
            ..Job::default()
        };
        assert_eq!(
            row(&job, 1_447_082_604_599),
            concat!(
                r#"{"id":"123/45/14544","spider":"somespider","state":"finished","#,
                r#""spider_type":"manual","priority":2,"tags":["consumed"],"#,
                r#""version":"1447064100","spider_args":{"a": "1"},"close_reason":"finished","#,
                r#""started_time":"2015-11-09T15:20:25","updated_time":"2015-11-09T15:21:06","#,
                r#""elapsed":138399,"items_scraped":2,"responses_received":1,"errors_count":0,"#,
                r#""logs":29}"#
            )
        );
    }

    #[test]
    fn a_pending_job_has_no_start_and_no_close_reason() {
        let job = Job {
            key: "1/1/1".to_owned(),
            spider_name: "py:x.py".to_owned(),
            spider_type: SpiderType::Script.into(),
            state: JobState::Pending.into(),
            priority: 4,
            updated_time: Some(timestamp(1000)),
            ..Job::default()
        };
        assert_eq!(
            row(&job, 900),
            concat!(
                r#"{"id":"1/1/1","spider":"py:x.py","state":"pending","spider_type":"script","#,
                r#""priority":4,"tags":[],"version":null,"updated_time":"1970-01-01T00:00:01","#,
                r#""elapsed":0,"items_scraped":0,"responses_received":0,"errors_count":0,"logs":0}"#
            )
        );
    }

    #[test]
    fn a_spider_type_that_is_no_string_is_written_unchanged() {
        let metadata = [("spider_type".to_owned(), "{\"a\": 1.0}".to_owned())];
        let spider_type = SpiderType::Manual.into();
        let job = Job { spider_type, metadata_json: metadata.into(), ..Job::default() };
        assert!(row(&job, 0).contains(r#""spider_type":{"a": 1.0},"#));
    }
}
